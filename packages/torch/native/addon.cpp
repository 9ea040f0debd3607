// Entry point: per-environment state, the handle table, error conversion.
#include "bridge.hpp"

namespace septum {

constexpr double kGeneration = 16777216.0;  // 2^24 slots

double HandleTable::add(at::Tensor tensor) {
  uint32_t index;
  if (!free_.empty()) {
    index = free_.back();
    free_.pop_back();
  } else {
    TORCH_CHECK(slots_.size() < (1u << 24), "more than 16 million live tensors: free some, or use scope()");
    index = static_cast<uint32_t>(slots_.size());
    slots_.emplace_back();
  }
  Slot& slot = slots_[index];
  slot.tensor = std::move(tensor);
  slot.used = true;
  slot.reportedBytes = 0;
  ++live_;
  return index + slot.generation * kGeneration;
}

int64_t HandleTable::remove(double handle) {
  Slot* slot = find(handle);
  if (slot == nullptr) return 0;
  slot->tensor.reset();
  slot->used = false;
  slot->generation = slot->generation == (1u << 29) - 1 ? 1 : slot->generation + 1;
  free_.push_back(static_cast<uint32_t>(slot - slots_.data()));
  --live_;
  return std::exchange(slot->reportedBytes, 0);
}

int64_t HandleTable::report(double handle) {
  Slot* slot = find(handle);
  if (slot == nullptr || slot->reportedBytes != 0) return 0;
  const at::Tensor& t = slot->tensor;
  slot->reportedBytes = t.has_storage() ? static_cast<int64_t>(t.storage().nbytes()) : 0;
  return slot->reportedBytes;
}

void check(napi_env env, napi_status status) {
  if (status == napi_ok) return;
  bool pending = false;
  napi_is_exception_pending(env, &pending);
  if (!pending) {
    const napi_extended_error_info* info = nullptr;
    napi_get_last_error_info(env, &info);
    napi_throw_type_error(env, nullptr, info && info->error_message ? info->error_message : "Node-API call failed");
  }
  throw PendingException();
}

Bridge* bridgeOf(napi_env env) {
  void* data = nullptr;
  napi_get_instance_data(env, &data);
  return static_cast<Bridge*>(data);
}

Arguments::Arguments(napi_env e, napi_callback_info info, size_t expected) : env(e) {
  check(env, napi_get_cb_info(env, info, &count, values, nullptr, nullptr));
  if (count < expected) {
    napi_throw_type_error(env, nullptr, "too few arguments for a native function");
    throw PendingException();
  }
}
double Arguments::number(size_t i) const {
  double value = 0;
  check(env, napi_get_value_double(env, values[i], &value));
  return value;
}
int64_t Arguments::integer(size_t i) const { return static_cast<int64_t>(number(i)); }
bool Arguments::boolean(size_t i) const {
  bool value = false;
  check(env, napi_get_value_bool(env, values[i], &value));
  return value;
}
std::string Arguments::string(size_t i) const {
  size_t length = 0;
  check(env, napi_get_value_string_utf8(env, values[i], nullptr, 0, &length));
  std::string text(length, '\0');
  check(env, napi_get_value_string_utf8(env, values[i], text.data(), length + 1, &length));
  return text;
}
bool Arguments::missing(size_t i) const {
  if (i >= count) return true;
  napi_valuetype type;
  check(env, napi_typeof(env, values[i], &type));
  return type == napi_undefined || type == napi_null;
}

napi_value guarded(napi_env env, const std::function<napi_value()>& body) {
  try {
    return body();
  } catch (const PendingException&) {
  } catch (const c10::Error& error) {
    napi_throw_error(env, "ERR_TORCH", error.what_without_backtrace());
  } catch (const std::bad_alloc&) {
    napi_throw_error(env, "ERR_TORCH", "out of memory");
  } catch (const std::exception& error) {
    napi_throw_error(env, "ERR_TORCH", error.what());
  }
  return nullptr;
}

napi_value toJs(napi_env env, double value) {
  napi_value result;
  check(env, napi_create_double(env, value, &result));
  return result;
}
napi_value toJs(napi_env env, const std::string& value) {
  napi_value result;
  check(env, napi_create_string_utf8(env, value.data(), value.size(), &result));
  return result;
}
napi_value toJsBool(napi_env env, bool value) {
  napi_value result;
  check(env, napi_get_boolean(env, value, &result));
  return result;
}

void define(napi_env env, napi_value exports, const char* name, napi_callback callback) {
  napi_value function;
  check(env, napi_create_function(env, name, NAPI_AUTO_LENGTH, callback, bridgeOf(env), &function));
  check(env, napi_set_named_property(env, exports, name, function));
}

}  // namespace septum

NAPI_MODULE_INIT() {
  using namespace septum;
  return guarded(env, [&]() -> napi_value {
    auto* bridge = new Bridge;
    bridge->env = env;
    check(env, napi_set_instance_data(
                   env, bridge, [](napi_env, void* data, void*) { delete static_cast<Bridge*>(data); }, nullptr));
    napi_value memory, view;
    check(env, napi_create_external_arraybuffer(env, bridge->buffer.get(), kBufferLength * sizeof(double), nullptr,
                                                nullptr, &memory));
    check(env, napi_create_typedarray(env, napi_float64_array, kBufferLength, memory, 0, &view));
    check(env, napi_set_named_property(env, exports, "buffer", view));
    registerDispatch(env, exports);
    registerTensors(env, exports);
    registerAutograd(env, exports);
    registerRuntime(env, exports);
    registerMemory(env, exports);
    return exports;
  });
}
