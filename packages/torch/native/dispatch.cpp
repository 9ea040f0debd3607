// Calls any ATen operator by name: arguments arrive in the shared buffer and are converted by the
// operator's own schema, so that a new operator needs no C++.
#include <ATen/core/dispatch/Dispatcher.h>

#include <cmath>
#include <sstream>

#include "bridge.hpp"

namespace septum {
namespace {

using c10::IValue;
using c10::TypeKind;

/// Conversion failed: the text says which argument and why; another overload may still fit.
struct Mismatch {
  std::string why;
};

struct Reader {
  Bridge& bridge;
  const double* at;
  const double* end;

  double next() {
    if (at >= end) throw Mismatch{"the argument buffer ended early"};
    return *at++;
  }
  const at::Tensor& tensor(double handle) const {
    const at::Tensor& found = bridge.handles.get(handle);
    bridge.sawGradient |= found.requires_grad();
    return found;
  }
  const std::string& text(double index) const {
    const auto i = static_cast<size_t>(index);
    if (!(index >= 0) || i >= bridge.texts.size()) throw Mismatch{"a string argument is missing"};
    return bridge.texts[i];
  }
};

/// One decoded argument; lists stay in the buffer.
struct Value {
  Tag tag;
  double number = 0;
  const double* list = nullptr;
  size_t length = 0;
};

inline __attribute__((always_inline)) Value read(Reader& in) {
  Value value{static_cast<Tag>(static_cast<int>(in.next()))};
  switch (value.tag) {
    case kNone:
      break;
    case kNumberList:
    case kTensorList:
    case kBoolList: {
      value.length = static_cast<size_t>(in.next());
      if (value.length > static_cast<size_t>(in.end - in.at)) throw Mismatch{"a list argument is cut short"};
      value.list = in.at;
      in.at += value.length;
      break;
    }
    default:
      value.number = in.next();
  }
  return value;
}

const char* kindName(Tag tag) {
  static const char* names[] = {"nothing",     "a number",            "a boolean",       "a bigint",          "a tensor",
                                "a string",    "a list of numbers",   "a list of tensors", "a list of booleans", "a name"};
  return names[tag];
}

bool isWhole(double v) { return std::isfinite(v) && v == std::floor(v) && std::abs(v) <= 9007199254740992.0; }

int64_t bits(double v) {
  int64_t out;
  std::memcpy(&out, &v, sizeof out);
  return out;
}

c10::Scalar toScalar(const Value& v) {
  if (v.tag == kBool) return c10::Scalar(v.number != 0);
  if (v.tag == kBigInt) return c10::Scalar(bits(v.number));
  if (isWhole(v.number) && !(v.number == 0 && std::signbit(v.number))) return c10::Scalar(static_cast<int64_t>(v.number));
  return c10::Scalar(v.number);
}

int64_t toInt(const Value& v) {
  if (v.tag == kBigInt) return bits(v.number);
  if (v.tag == kBool) return v.number != 0;
  if (v.tag == kNumber && isWhole(v.number)) return static_cast<int64_t>(v.number);
  if (v.tag == kNumber) throw Mismatch{"expected a whole number, got " + std::to_string(v.number)};
  throw Mismatch{std::string("expected a whole number, got ") + kindName(v.tag)};
}

/// A list of whole numbers, by its own values or one number for all of its fixed length.
IValue toIntList(const Value& v, Parameter& p) {
  double repeated[8];
  const double* values = v.list;
  size_t length = v.length;
  const auto fixed = p.argument->N();
  if (v.tag == kNumber && fixed && *fixed <= 8) {
    length = static_cast<size_t>(*fixed);
    std::fill_n(repeated, length, v.number);
    values = repeated;
  } else if (v.tag != kNumberList) {
    throw Mismatch{std::string("expected a list of whole numbers, got ") + kindName(v.tag)};
  }
  if (!p.lastValue.isNone() && std::equal(values, values + length, p.lastList.begin(), p.lastList.end())) {
    return p.lastValue;
  }
  c10::List<int64_t> list;
  list.reserve(length);
  for (size_t i = 0; i < length; ++i) list.push_back(toInt(Value{kNumber, values[i]}));
  IValue result(std::move(list));
  if (length <= 8) {
    p.lastList.assign(values, values + length);
    p.lastValue = result;
  }
  return result;
}

/// The lenient pass lets a number stand for a tensor, as PyTorch does from Python.
IValue convert(const Reader& in, const Value& v, Parameter& p, bool lenient) {
  const auto fail = [&](const std::string& wanted) -> Mismatch {
    return Mismatch{"expected " + wanted + ", got " + kindName(v.tag)};
  };
  if (v.tag == kNone && p.optional) return IValue();
  switch (p.kind) {
    case TypeKind::TensorType: {
      if (v.tag == kTensor) return in.tensor(v.number);
      if (lenient && (v.tag == kNumber || v.tag == kBool || v.tag == kBigInt)) {
        at::Tensor wrapped = c10::scalar_to_tensor(toScalar(v));
        wrapped.unsafeGetTensorImpl()->set_wrapped_number(true);
        return wrapped;
      }
      throw fail("a tensor");
    }
    case TypeKind::NumberType:
      if (v.tag == kNumber || v.tag == kBool || v.tag == kBigInt) return toScalar(v);
      throw fail("a number");
    case TypeKind::FloatType:
      if (v.tag == kNumber) return v.number;
      throw fail("a number");
    case TypeKind::BoolType:
      if (v.tag == kBool) return v.number != 0;
      throw fail("a boolean");
    case TypeKind::ScalarTypeType:
      if (v.tag == kString) return dtypeFromName(in.text(v.number));
      throw fail("the name of a dtype");
    case TypeKind::LayoutType:
      if (v.tag == kString) return layoutFromName(in.text(v.number));
      throw fail("the name of a layout");
    case TypeKind::MemoryFormatType:
      if (v.tag == kString) return memoryFormatFromName(in.text(v.number));
      throw fail("the name of a memory format");
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return toInt(v);
    case TypeKind::StringType:
      if (v.tag == kString) return in.text(v.number);
      throw fail("a string");
    case TypeKind::DeviceObjType:
      if (v.tag == kString) return c10::Device(in.text(v.number));
      throw fail("the name of a device");
    case TypeKind::ListType: {
      const auto kind = p.element;
      if (kind == TypeKind::TensorType && (v.tag == kTensorList || v.tag == kNumberList) &&
          (v.tag == kTensorList || v.length == 0)) {
        c10::List<at::Tensor> list;
        list.reserve(v.length);
        for (size_t i = 0; i < v.length; ++i) list.push_back(in.tensor(v.list[i]));
        return list;
      }
      if (kind == TypeKind::OptionalType && v.tag == kTensorList) {
        c10::List<c10::optional<at::Tensor>> list;
        for (size_t i = 0; i < v.length; ++i) {
          list.push_back(v.list[i] == 0 ? c10::optional<at::Tensor>() : in.tensor(v.list[i]));
        }
        return list;
      }
      if (kind == TypeKind::IntType || kind == TypeKind::SymIntType) {
        return toIntList(v, p);
      }
      if (kind == TypeKind::FloatType) {
        if (v.tag != kNumberList) throw fail("a list of numbers");
        return c10::List<double>(c10::ArrayRef<double>(v.list, v.length));
      }
      if (kind == TypeKind::NumberType) {
        if (v.tag != kNumberList) throw fail("a list of numbers");
        c10::List<c10::Scalar> list;
        for (size_t i = 0; i < v.length; ++i) list.push_back(toScalar(Value{kNumber, v.list[i]}));
        return list;
      }
      if (kind == TypeKind::BoolType) {
        if (v.tag != kBoolList && !(v.tag == kNumberList && v.length == 0)) throw fail("a list of booleans");
        c10::List<bool> list;
        for (size_t i = 0; i < v.length; ++i) list.push_back(v.list[i] != 0);
        return list;
      }
      throw Mismatch{"arguments of type " + p.type->str() + " cannot be passed yet"};
    }
    default:
      throw Mismatch{"arguments of type " + p.type->str() + " cannot be passed yet"};
  }
}

/// The arguments that the operator writes to: their tensors keep their handles.
using Written = c10::SmallVector<std::pair<const c10::TensorImpl*, double>, 4>;

constexpr uint32_t bit(Tag tag) { return 1u << tag; }

/// Tags that a type can come from; `convert` has the last word.
uint32_t acceptedTags(const Parameter& p, bool lenient) {
  const uint32_t scalar = bit(kNumber) | bit(kBool) | bit(kBigInt);
  const uint32_t none = p.optional || p.fallback ? bit(kNone) : 0;
  switch (p.kind) {
    case TypeKind::TensorType:
      return none | bit(kTensor) | (lenient ? scalar : 0);
    case TypeKind::NumberType:
    case TypeKind::IntType:
    case TypeKind::SymIntType:
      return none | scalar;
    case TypeKind::FloatType:
      return none | bit(kNumber);
    case TypeKind::BoolType:
      return none | bit(kBool);
    case TypeKind::ListType:
      return none | bit(kNumberList) | bit(kTensorList) | bit(kBoolList) | bit(kNumber);
    default:
      return none | bit(kString);
  }
}

Overload prepare(const c10::OperatorHandle& handle) {
  const auto& schema = handle.schema();
  Overload overload{handle, {}, 0, schema.is_mutable()};
  for (const c10::Argument& argument : schema.arguments()) {
    Parameter p{};
    p.argument = &argument;
    p.fallback = argument.default_value() ? &*argument.default_value() : nullptr;
    p.type = argument.real_type();
    p.optional = p.type->kind() == TypeKind::OptionalType;
    if (p.optional) p.type = p.type->castRaw<c10::OptionalType>()->getElementType();
    p.kind = p.type->kind();
    p.element = p.kind == TypeKind::ListType ? p.type->castRaw<c10::ListType>()->getElementType()->kind() : p.kind;
    p.writes = argument.alias_info() && argument.alias_info()->isWrite();
    p.accepts = acceptedTags(p, false);
    p.acceptsLenient = acceptedTags(p, true);
    overload.parameters.push_back(std::move(p));
    if (!argument.default_value()) overload.required = overload.parameters.size();
  }
  return overload;
}

/// Whether the kinds of the positional values fit: exceptions are too slow to choose an overload by.
bool mayFit(Reader in, size_t count, const Overload& overload, bool lenient) {
  for (size_t i = 0; i < count; ++i) {
    const Value value = read(in);
    if (value.tag == kNamed) return true;
    if (i >= overload.parameters.size()) return false;
    const Parameter& p = overload.parameters[i];
    if (!((lenient ? p.acceptsLenient : p.accepts) & bit(value.tag))) return false;
  }
  return count >= overload.required;
}

void noteWritten(const Reader& in, const Value& value, Written& written) {
  if (value.tag == kTensor) {
    written.emplace_back(in.bridge.handles.get(value.number).unsafeGetTensorImpl(), value.number);
  } else if (value.tag == kTensorList) {
    for (size_t k = 0; k < value.length; ++k) {
      if (value.list[k] == 0) continue;
      written.emplace_back(in.bridge.handles.get(value.list[k]).unsafeGetTensorImpl(), value.list[k]);
    }
  }
}

void pushDefault(const Parameter& p, torch::jit::Stack& stack) {
  if (!p.fallback) throw Mismatch{"argument '" + p.argument->name() + "' is missing"};
  stack.push_back(*p.fallback);
}

void pushValue(const Reader& in, const Value& value, Parameter& p, bool lenient, torch::jit::Stack& stack,
               Written& written) {
  if (value.tag == kNone && p.fallback && !p.optional) return pushDefault(p, stack);
  try {
    stack.push_back(convert(in, value, p, lenient));
  } catch (const Mismatch& mismatch) {
    throw Mismatch{"argument '" + p.argument->name() + "': " + mismatch.why};
  }
  if (p.writes) noteWritten(in, value, written);
}

/// Builds the stack of one overload from positional and named values, filling in defaults.
void fillStack(Reader in, size_t count, Overload& overload, bool lenient, torch::jit::Stack& stack, Written& written) {
  auto& parameters = overload.parameters;
  stack.clear();
  written.clear();
  size_t i = 0;
  for (; i < count; ++i) {
    const double* const here = in.at;
    const Value value = read(in);
    if (value.tag == kNamed) {
      in.at = here;
      break;
    }
    if (i >= parameters.size()) {
      throw Mismatch{"takes " + std::to_string(parameters.size()) + " arguments, got " + std::to_string(count)};
    }
    pushValue(in, value, parameters[i], lenient, stack, written);
  }
  const size_t positional = i;
  std::vector<c10::optional<Value>> named(i < count ? parameters.size() : 0);
  for (; i < count; ++i) {
    const Value tag = read(in);
    if (tag.tag != kNamed) throw Mismatch{"a positional argument follows a named one"};
    const std::string& name = in.text(tag.number);
    const auto found = overload.handle.schema().argumentIndexWithName(name);
    if (!found) throw Mismatch{"there is no argument named '" + name + "'"};
    if (static_cast<size_t>(*found) < positional) throw Mismatch{"argument '" + name + "' is given twice"};
    named[static_cast<size_t>(*found)] = read(in);
  }
  for (size_t k = positional; k < parameters.size(); ++k) {
    if (k < named.size() && named[k]) {
      pushValue(in, *named[k], parameters[k], lenient, stack, written);
    } else {
      pushDefault(parameters[k], stack);
    }
  }
}

/// "aten::add([2, 3] float32, 1)": what the caller sees in front of libtorch's own message.
std::string describeCall(const std::string& name, Reader in, size_t count) {
  std::ostringstream out;
  out << name << '(';
  try {
    for (size_t i = 0; i < count; ++i) {
      if (i) out << ", ";
      Value v = read(in);
      if (v.tag == kNamed) {
        out << in.text(v.number) << '=';
        v = read(in);
      }
      switch (v.tag) {
        case kTensor:
          try {
            out << describe(in.bridge.handles.get(v.number));
          } catch (const c10::Error&) {
            out << "freed tensor";
          }
          break;
        case kTensorList:
          out << '[';
          for (size_t k = 0; k < v.length && k < 8; ++k) {
            if (k) out << ", ";
            try {
              out << (v.list[k] == 0 ? "none" : describe(in.bridge.handles.get(v.list[k])));
            } catch (const c10::Error&) {
              out << "freed tensor";
            }
          }
          out << (v.length > 8 ? ", ...]" : "]");
          break;
        case kNumberList:
        case kBoolList:
          out << '[';
          for (size_t k = 0; k < v.length && k < 16; ++k) out << (k ? ", " : "") << v.list[k];
          out << (v.length > 16 ? ", ...]" : "]");
          break;
        case kString:
          out << '\'' << in.text(v.number) << '\'';
          break;
        case kNone:
          out << "none";
          break;
        case kBool:
          out << (v.number != 0 ? "true" : "false");
          break;
        case kBigInt:
          out << bits(v.number);
          break;
        default:
          out << v.number;
      }
    }
  } catch (const Mismatch&) {
  }
  out << ')';
  return out.str();
}

/// Appends results to the buffer. An in-place result gets the handle of the argument that it is.
struct Writer {
  Bridge& bridge;
  const Written& written;
  double* at;
  double* end;

  void push(double value) {
    TORCH_CHECK(at < end, "the operator returned more values than the buffer holds");
    *at++ = value;
  }
  double handleOf(const at::Tensor& tensor) {
    for (const auto& [impl, handle] : written) {
      if (impl == tensor.unsafeGetTensorImpl()) return handle;
    }
    return bridge.handles.add(tensor);
  }
  void value(const IValue& v) {
    if (v.isTensor()) {
      const at::Tensor& tensor = v.toTensor();
      if (!tensor.defined()) return push(kNone);
      push(kTensor);
      push(handleOf(tensor));
    } else if (v.isTensorList()) {
      const auto list = v.toTensorVector();
      push(kTensorList);
      push(static_cast<double>(list.size()));
      for (const auto& tensor : list) push(tensor.defined() ? handleOf(tensor) : 0);
    } else if (v.isBool()) {
      push(kBool);
      push(v.toBool());
    } else if (v.isInt()) {
      push(kNumber);
      push(static_cast<double>(v.toInt()));
    } else if (v.isDouble()) {
      push(kNumber);
      push(v.toDouble());
    } else if (v.isScalar()) {
      push(kNumber);
      push(v.toScalar().toDouble());
    } else if (v.isIntList()) {
      const auto list = v.toIntVector();
      push(kNumberList);
      push(static_cast<double>(list.size()));
      for (int64_t item : list) push(static_cast<double>(item));
    } else if (v.isNone()) {
      push(kNone);
    } else {
      TORCH_CHECK(false, "the operator returned a ", v.tagKind(), ", which has no JavaScript counterpart yet");
    }
  }
};

/// resolve(name): the id of an operator, "aten::add.Tensor" or "aten::add" for all of its overloads.
napi_value resolve(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    const std::string full = args.string(0);
    Bridge& bridge = *bridgeOf(env);
    auto& dispatcher = c10::Dispatcher::singleton();
    const auto colon = full.find("::");
    const auto dot = full.find('.', colon == std::string::npos ? 0 : colon);
    Operator op{full, {}};
    if (dot != std::string::npos) {
      const auto overload = full.substr(dot + 1);
      const auto found = dispatcher.findSchema({full.substr(0, dot), overload == "default" ? "" : overload});
      if (found) op.overloads.push_back(prepare(*found));
    } else {
      for (const auto& name : dispatcher.getAllOpNames()) {
        if (name.name != full) continue;
        const auto found = dispatcher.findSchema(name);
        if (found) op.overloads.push_back(prepare(*found));
      }
      // A fixed order: what comes from a hash table must not decide which overload runs.
      std::sort(op.overloads.begin(), op.overloads.end(), [](const auto& a, const auto& b) {
        return a.handle.schema().overload_name() < b.handle.schema().overload_name();
      });
    }
    TORCH_CHECK(!op.overloads.empty(), "there is no operator '", full, "' in this libtorch (", TORCH_VERSION, ")");
    bridge.operators.push_back(std::move(op));
    return toJs(env, static_cast<double>(bridge.operators.size() - 1));
  });
}

/// Lends the bridge's stack to a call, so that a call allocates none; an operator that calls JavaScript, which
/// calls an operator, finds an empty one.
struct BorrowedStack {
  explicit BorrowedStack(Bridge& b) : bridge(b), stack(std::move(b.stack)) {}
  ~BorrowedStack() {
    stack.clear();
    bridge.stack = std::move(stack);
  }
  Bridge& bridge;
  torch::jit::Stack stack;
};

/// Puts the arguments on the stack and returns the overload that takes them.
Overload& choose(const Reader& in, size_t count, Operator& op, torch::jit::Stack& stack, Written& written) {
  const bool single = op.overloads.size() == 1;
  // Strict first: add(tensor, 2) must find the Scalar overload where one exists.
  for (const bool lenient : {false, true}) {
    if (single && !lenient) continue;
    for (auto& overload : op.overloads) {
      if (!single && !mayFit(in, count, overload, lenient)) continue;
      try {
        fillStack(in, count, overload, lenient, stack, written);
        return overload;
      } catch (const Mismatch&) {
      }
    }
  }
  std::string why;
  for (auto& overload : op.overloads) {
    try {
      fillStack(in, count, overload, true, stack, written);
    } catch (const Mismatch& mismatch) {
      const std::string& name = overload.handle.schema().overload_name();
      if (!why.empty()) why += "; ";
      why += single ? mismatch.why : "." + (name.empty() ? "default" : name) + " " + mismatch.why;
    }
  }
  TORCH_CHECK(false, why);
}

/// intern(text): the number that stands for a text in the buffer: names of dtypes, devices, arguments.
napi_value intern(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    Bridge& bridge = *bridgeOf(env);
    bridge.texts.push_back(args.string(0));
    return toJs(env, static_cast<double>(bridge.texts.size() - 1));
  });
}

/// call(id, argument count): runs an operator on the buffer's arguments; the results replace them. Returns
/// the number of results.
napi_value call(napi_env env, napi_callback_info info) {
  napi_value given[2];
  size_t givenCount = 2;
  void* data = nullptr;
  napi_get_cb_info(env, info, &givenCount, given, nullptr, &data);
  Bridge& bridge = *static_cast<Bridge*>(data);
  Operator* op = nullptr;
  uint32_t count = 0;
  const Reader reader{bridge, bridge.buffer.get(), bridge.buffer.get() + kBufferLength};
  try {
    uint32_t id = 0;
    check(env, napi_get_value_uint32(env, given[0], &id));
    check(env, napi_get_value_uint32(env, given[1], &count));
    TORCH_CHECK(id < bridge.operators.size(), "unknown operator id");
    op = &bridge.operators[id];
    BorrowedStack borrowed(bridge);
    torch::jit::Stack& stack = borrowed.stack;
    Written written;
    const Overload& chosen = choose(reader, count, *op, stack, written);
    chosen.handle.callBoxed(stack);
    Writer out{bridge, written, bridge.buffer.get(), bridge.buffer.get() + kBufferLength};
    for (const auto& value : stack) out.value(value);
    napi_value result;
    check(env, napi_create_uint32(env, static_cast<uint32_t>(stack.size()), &result));
    return result;
  } catch (const PendingException&) {
    return nullptr;
  } catch (const std::exception& error) {
    // Arguments are still in the buffer: results are written only after the operator has succeeded.
    const auto* torchError = dynamic_cast<const c10::Error*>(&error);
    const std::string message = torchError ? torchError->what_without_backtrace() : error.what();
    const std::string where = op ? describeCall(op->name, reader, count) : "operator call";
    napi_throw_error(env, "ERR_TORCH", (where + ": " + message).c_str());
    return nullptr;
  }
}

/// schemas(id): the schema text of each overload, for messages and tests.
napi_value schemas(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    const auto id = static_cast<size_t>(args.number(0));
    Bridge& bridge = *bridgeOf(env);
    TORCH_CHECK(id < bridge.operators.size(), "unknown operator id");
    napi_value list;
    check(env, napi_create_array(env, &list));
    uint32_t i = 0;
    for (const auto& overload : bridge.operators[id].overloads) {
      std::ostringstream text;
      text << overload.handle.schema();
      check(env, napi_set_element(env, list, i++, toJs(env, text.str())));
    }
    return list;
  });
}

}  // namespace

void registerDispatch(napi_env env, napi_value exports) {
  define(env, exports, "resolve", resolve);
  define(env, exports, "intern", intern);
  define(env, exports, "call", call);
  define(env, exports, "schemas", schemas);
}

}  // namespace septum
