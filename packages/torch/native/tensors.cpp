// Handles, shapes, and typed arrays in and out.
#include <sstream>

#include "bridge.hpp"

namespace septum {
namespace {

struct DtypeName {
  const char* name;
  c10::ScalarType dtype;
};
constexpr DtypeName kDtypes[] = {
    {"float32", c10::kFloat}, {"float64", c10::kDouble}, {"float16", c10::kHalf},  {"bfloat16", c10::kBFloat16},
    {"int64", c10::kLong},    {"int32", c10::kInt},      {"int16", c10::kShort},   {"int8", c10::kChar},
    {"uint8", c10::kByte},    {"bool", c10::kBool},      {"complex64", c10::kComplexFloat}, {"complex128", c10::kComplexDouble},
};

}  // namespace

c10::ScalarType dtypeFromName(const std::string& name) {
  for (const auto& entry : kDtypes) {
    if (name == entry.name) return entry.dtype;
  }
  TORCH_CHECK(false, "unknown dtype '", name, "'");
}
std::string dtypeName(c10::ScalarType dtype) {
  for (const auto& entry : kDtypes) {
    if (dtype == entry.dtype) return entry.name;
  }
  return c10::toString(dtype);
}
c10::Layout layoutFromName(const std::string& name) {
  if (name == "strided") return c10::kStrided;
  if (name == "sparse_coo") return c10::kSparse;
  TORCH_CHECK(false, "unknown layout '", name, "'");
}
c10::MemoryFormat memoryFormatFromName(const std::string& name) {
  if (name == "contiguous_format") return c10::MemoryFormat::Contiguous;
  if (name == "preserve_format") return c10::MemoryFormat::Preserve;
  if (name == "channels_last") return c10::MemoryFormat::ChannelsLast;
  if (name == "channels_last_3d") return c10::MemoryFormat::ChannelsLast3d;
  TORCH_CHECK(false, "unknown memory format '", name, "'");
}

std::string describe(const at::Tensor& tensor) {
  std::ostringstream out;
  out << tensor.sizes() << ' ' << dtypeName(tensor.scalar_type());
  if (!tensor.device().is_cpu()) out << ' ' << tensor.device();
  return out.str();
}

namespace {

napi_value freeMany(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    Bridge& bridge = *bridgeOf(env);
    const auto count = std::min(static_cast<size_t>(args.number(0)), kBufferLength);
    int64_t reported = 0;
    for (size_t i = 0; i < count; ++i) reported += bridge.handles.remove(bridge.buffer[i]);
    int64_t total;
    if (reported) napi_adjust_external_memory(env, -reported, &total);
    std::vector<napi_ref> dropped;
    {
      std::lock_guard<std::mutex> lock(bridge.droppedMutex);
      dropped.swap(bridge.dropped);
    }
    for (napi_ref ref : dropped) napi_delete_reference(env, ref);
    return nullptr;
  });
}

/// report(handle): tells the garbage collector how much memory hangs on the JavaScript object.
napi_value report(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    int64_t total;
    const int64_t bytes = bridgeOf(env)->handles.report(args.number(0));
    if (bytes) napi_adjust_external_memory(env, bytes, &total);
    return nullptr;
  });
}

/// shape(handle): writes the sizes into the buffer and returns their number.
napi_value shape(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    Bridge& bridge = *bridgeOf(env);
    const auto sizes = bridge.handles.get(args.number(0)).sizes();
    for (size_t i = 0; i < sizes.size(); ++i) bridge.buffer[i] = static_cast<double>(sizes[i]);
    return toJs(env, static_cast<double>(sizes.size()));
  });
}

napi_value strides(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    Bridge& bridge = *bridgeOf(env);
    const auto values = bridge.handles.get(args.number(0)).strides();
    for (size_t i = 0; i < values.size(); ++i) bridge.buffer[i] = static_cast<double>(values[i]);
    return toJs(env, static_cast<double>(values.size()));
  });
}

napi_value dtype(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    return toJs(env, dtypeName(bridgeOf(env)->handles.get(args.number(0)).scalar_type()));
  });
}

napi_value device(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    return toJs(env, bridgeOf(env)->handles.get(args.number(0)).device().str());
  });
}

/// item(handle): the only element as a number; integers of 64 bits beyond 2^53 lose precision.
napi_value item(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    const at::Tensor& tensor = bridgeOf(env)->handles.get(args.number(0));
    TORCH_CHECK(tensor.numel() == 1, "item() needs exactly one element, got ", describe(tensor));
    return toJs(env, tensor.item().toDouble());
  });
}

struct ArrayKind {
  napi_typedarray_type array;
  c10::ScalarType dtype;
};
constexpr ArrayKind kArrays[] = {
    {napi_float32_array, c10::kFloat}, {napi_float64_array, c10::kDouble}, {napi_int32_array, c10::kInt},
    {napi_int16_array, c10::kShort},   {napi_int8_array, c10::kChar},      {napi_uint8_array, c10::kByte},
    {napi_bigint64_array, c10::kLong}, {napi_uint8_clamped_array, c10::kByte},
};

/// fromArray(typed array, rank, shared): a tensor of the shape in the buffer. Memory that JavaScript can
/// never detach (a SharedArrayBuffer) is used in place, anything else is copied once.
napi_value fromArray(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 3);
    Bridge& bridge = *bridgeOf(env);
    bool isTyped = false;
    check(env, napi_is_typedarray(env, args[0], &isTyped));
    TORCH_CHECK(isTyped, "expected a typed array");
    napi_typedarray_type type;
    size_t length = 0, offset = 0;
    void* data = nullptr;
    napi_value memory;
    check(env, napi_get_typedarray_info(env, args[0], &type, &length, &data, &memory, &offset));
    c10::optional<c10::ScalarType> scalar;
    for (const auto& kind : kArrays) {
      if (kind.array == type) scalar = kind.dtype;
    }
    TORCH_CHECK(scalar, "typed arrays of this kind have no tensor dtype: use Float32Array, Float64Array, Int8Array, "
                        "Int16Array, Int32Array, BigInt64Array or Uint8Array");
    const auto rank = static_cast<size_t>(args.number(1));
    TORCH_CHECK(rank <= 64, "a tensor has at most 64 dimensions");
    std::vector<int64_t> sizes;
    double count = 1;
    for (size_t i = 0; i < rank; ++i) {
      const double size = bridge.buffer[i];
      TORCH_CHECK(size >= 0 && size == std::floor(size), "sizes are non-negative whole numbers, got ", size);
      sizes.push_back(static_cast<int64_t>(size));
      count *= size;
    }
    TORCH_CHECK(count == static_cast<double>(length), "shape ", sizes, " needs ", count, " elements, the array has ",
                length, " (a detached array has none)");
    const auto options = at::TensorOptions().dtype(*scalar);
    if (args.boolean(2) && length > 0) {
      napi_ref ref;
      check(env, napi_create_reference(env, args[0], 1, &ref));
      Bridge* owner = &bridge;
      return toJs(env, bridge.handles.add(at::from_blob(
                           data, sizes,
                           [owner, ref](void*) {
                             std::lock_guard<std::mutex> lock(owner->droppedMutex);
                             owner->dropped.push_back(ref);
                           },
                           options)));
    }
    at::Tensor tensor = at::empty(sizes, options);
    if (length > 0) std::memcpy(tensor.data_ptr(), data, tensor.nbytes());
    return toJs(env, bridge.handles.add(std::move(tensor)));
  });
}

/// toArray(handle): a typed array over the memory of a contiguous CPU tensor. The array keeps that memory
/// alive; the storage can no longer be resized.
napi_value toArray(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    const at::Tensor tensor = bridgeOf(env)->handles.get(args.number(0));
    TORCH_CHECK(tensor.device().is_cpu() && tensor.layout() == c10::kStrided && tensor.is_contiguous(),
                "only contiguous tensors on the CPU can be viewed as arrays");
    c10::optional<napi_typedarray_type> type;
    for (const auto& kind : kArrays) {
      if (kind.dtype == tensor.scalar_type() && !type) type = kind.array;
    }
    if (tensor.scalar_type() == c10::kBool) type = napi_uint8_array;
    if (tensor.scalar_type() == c10::kHalf || tensor.scalar_type() == c10::kBFloat16) type = napi_uint16_array;
    TORCH_CHECK(type, "tensors of dtype ", dtypeName(tensor.scalar_type()), " have no typed array");
    napi_value memory, view;
    const size_t bytes = tensor.nbytes();
    if (bytes == 0) {
      check(env, napi_create_arraybuffer(env, 0, nullptr, &memory));
    } else {
      tensor.storage().unsafeGetStorageImpl()->set_resizable(false);
      auto* keeper = new at::Tensor(tensor);
      const auto status = napi_create_external_arraybuffer(
          env, tensor.data_ptr(), bytes, [](napi_env, void*, void* hint) { delete static_cast<at::Tensor*>(hint); },
          keeper, &memory);
      if (status != napi_ok) delete keeper;
      check(env, status);
    }
    check(env, napi_create_typedarray(env, *type, static_cast<size_t>(tensor.numel()), memory, 0, &view));
    return view;
  });
}

/// readInto(handle, typed array of bytes): copies the elements, contiguous, into JavaScript memory.
napi_value readInto(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 2);
    bool isTyped = false;
    check(env, napi_is_typedarray(env, args[1], &isTyped));
    TORCH_CHECK(isTyped, "expected a typed array");
    napi_typedarray_type type;
    size_t length = 0, offset = 0;
    void* data = nullptr;
    napi_value memory;
    check(env, napi_get_typedarray_info(env, args[1], &type, &length, &data, &memory, &offset));
    const at::Tensor tensor = bridgeOf(env)->handles.get(args.number(0)).detach().cpu().contiguous();
    TORCH_CHECK(type == napi_uint8_array && length == tensor.nbytes(), "expected ", tensor.nbytes(), " bytes");
    if (length > 0) std::memcpy(data, tensor.data_ptr(), length);
    return nullptr;
  });
}

/// fromBytes(bytes, dtype, rank): a tensor of the shape in the buffer from raw little-endian bytes, copied.
napi_value fromBytes(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 3);
    Bridge& bridge = *bridgeOf(env);
    bool isTyped = false;
    check(env, napi_is_typedarray(env, args[0], &isTyped));
    TORCH_CHECK(isTyped, "expected a typed array of bytes");
    napi_typedarray_type type;
    size_t length = 0, offset = 0;
    void* data = nullptr;
    napi_value memory;
    check(env, napi_get_typedarray_info(env, args[0], &type, &length, &data, &memory, &offset));
    std::vector<int64_t> sizes;
    double count = 1;
    for (size_t i = 0; i < std::min<size_t>(64, static_cast<size_t>(args.number(2))); ++i) {
      const double size = bridge.buffer[i];
      TORCH_CHECK(size >= 0 && size == std::floor(size), "sizes are non-negative whole numbers, got ", size);
      sizes.push_back(static_cast<int64_t>(size));
      count *= size;
    }
    const auto dtype = dtypeFromName(args.string(1));
    TORCH_CHECK(type == napi_uint8_array && count * c10::elementSize(dtype) == static_cast<double>(length), "shape ",
                sizes, " of ", dtypeName(dtype), " does not fit ", length, " bytes");
    at::Tensor tensor = at::empty(sizes, at::TensorOptions().dtype(dtype));
    if (length > 0) std::memcpy(tensor.data_ptr(), data, length);
    return toJs(env, bridge.handles.add(std::move(tensor)));
  });
}

napi_value liveHandles(napi_env env, napi_callback_info) {
  return guarded(env, [&] { return toJs(env, static_cast<double>(bridgeOf(env)->handles.live())); });
}

napi_value isContiguous(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    const auto format = args.missing(1) ? c10::MemoryFormat::Contiguous : memoryFormatFromName(args.string(1));
    return toJsBool(env, bridgeOf(env)->handles.get(args.number(0)).is_contiguous(format));
  });
}

}  // namespace

void registerTensors(napi_env env, napi_value exports) {
  define(env, exports, "freeMany", freeMany);
  define(env, exports, "report", report);
  define(env, exports, "shape", shape);
  define(env, exports, "strides", strides);
  define(env, exports, "dtype", dtype);
  define(env, exports, "device", device);
  define(env, exports, "item", item);
  define(env, exports, "fromArray", fromArray);
  define(env, exports, "toArray", toArray);
  define(env, exports, "readInto", readInto);
  define(env, exports, "fromBytes", fromBytes);
  define(env, exports, "liveHandles", liveHandles);
  define(env, exports, "isContiguous", isContiguous);
}

}  // namespace septum
