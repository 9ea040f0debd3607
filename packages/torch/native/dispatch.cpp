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
  const Bridge& bridge;
  const double* at;
  const double* end;
  const std::vector<std::string>& strings;

  double next() {
    if (at >= end) throw Mismatch{"the argument buffer ended early"};
    return *at++;
  }
  const std::string& text(double index) const {
    const auto i = static_cast<size_t>(index);
    if (!(index >= 0) || i >= strings.size()) throw Mismatch{"a string argument is missing"};
    return strings[i];
  }
};

/// One decoded argument; lists stay in the buffer.
struct Value {
  Tag tag;
  double number = 0;
  const double* list = nullptr;
  size_t length = 0;
};

Value read(Reader& in) {
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

/// The lenient pass lets a number stand for a tensor, as PyTorch does from Python.
IValue convert(const Reader& in, const Value& v, const c10::Argument& argument, const c10::TypePtr& type, bool lenient) {
  const auto fail = [&](const std::string& wanted) -> Mismatch {
    return Mismatch{"expected " + wanted + ", got " + kindName(v.tag)};
  };
  switch (type->kind()) {
    case TypeKind::OptionalType: {
      if (v.tag == kNone) return IValue();
      return convert(in, v, argument, type->castRaw<c10::OptionalType>()->getElementType(), lenient);
    }
    case TypeKind::TensorType: {
      if (v.tag == kTensor) return in.bridge.handles.get(v.number);
      if (lenient && (v.tag == kNumber || v.tag == kBool || v.tag == kBigInt)) {
        at::Tensor wrapped = c10::scalar_to_tensor(toScalar(v));
        wrapped.unsafeGetTensorImpl()->set_wrapped_number(true);
        return wrapped;
      }
      if (v.tag == kNone) throw Mismatch{"expected a tensor, got nothing"};
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
      const auto element = type->castRaw<c10::ListType>()->getElementType();
      const auto kind = element->kind();
      if (kind == TypeKind::TensorType && (v.tag == kTensorList || v.tag == kNumberList) &&
          (v.tag == kTensorList || v.length == 0)) {
        c10::List<at::Tensor> list;
        list.reserve(v.length);
        for (size_t i = 0; i < v.length; ++i) list.push_back(in.bridge.handles.get(v.list[i]));
        return list;
      }
      if (kind == TypeKind::OptionalType && v.tag == kTensorList) {
        c10::List<c10::optional<at::Tensor>> list;
        for (size_t i = 0; i < v.length; ++i) {
          list.push_back(v.list[i] == 0 ? c10::optional<at::Tensor>() : in.bridge.handles.get(v.list[i]));
        }
        return list;
      }
      if (kind == TypeKind::IntType || kind == TypeKind::SymIntType) {
        c10::List<int64_t> list;
        if (v.tag == kNumber && argument.N()) {
          for (int32_t i = 0; i < *argument.N(); ++i) list.push_back(toInt(v));
          return list;
        }
        if (v.tag != kNumberList) throw fail("a list of whole numbers");
        list.reserve(v.length);
        for (size_t i = 0; i < v.length; ++i) list.push_back(toInt(Value{kNumber, v.list[i]}));
        return list;
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
      throw Mismatch{"lists of " + element->str() + " cannot be passed yet"};
    }
    default:
      throw Mismatch{"arguments of type " + type->str() + " cannot be passed yet"};
  }
}

c10::TypePtr argumentType(const c10::Argument& argument) { return argument.real_type(); }

/// Builds the stack of one overload from positional and named values, filling in defaults.
void fillStack(Reader in, size_t count, const c10::FunctionSchema& schema, bool lenient, torch::jit::Stack& stack) {
  const auto& arguments = schema.arguments();
  std::vector<c10::optional<Value>> given(arguments.size());
  for (size_t i = 0; i < count; ++i) {
    size_t position = i;
    Value value = read(in);
    if (value.tag == kNamed) {
      const std::string& name = in.text(value.number);
      const auto found = schema.argumentIndexWithName(name);
      if (!found) throw Mismatch{"there is no argument named '" + name + "'"};
      position = static_cast<size_t>(*found);
      value = read(in);
    } else if (position >= arguments.size()) {
      throw Mismatch{"takes " + std::to_string(arguments.size()) + " arguments, got " + std::to_string(count)};
    }
    given[position] = value;
  }
  stack.clear();
  stack.reserve(arguments.size());
  for (size_t i = 0; i < arguments.size(); ++i) {
    const c10::Argument& argument = arguments[i];
    const bool absent = !given[i] || (given[i]->tag == kNone && argument.default_value() &&
                                      argument.type()->kind() != TypeKind::OptionalType);
    if (absent) {
      if (!argument.default_value()) throw Mismatch{"argument '" + argument.name() + "' is missing"};
      stack.push_back(*argument.default_value());
      continue;
    }
    try {
      stack.push_back(convert(in, *given[i], argument, argumentType(argument), lenient));
    } catch (const Mismatch& mismatch) {
      throw Mismatch{"argument '" + argument.name() + "': " + mismatch.why};
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

bool writes(const c10::Argument& argument) { return argument.alias_info() && argument.alias_info()->isWrite(); }

/// Appends results to the buffer. An in-place result gets the handle of the argument that it is.
struct Writer {
  Bridge& bridge;
  const std::vector<std::pair<const c10::TensorImpl*, double>>& written;
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
      if (!v.toTensor().defined()) return push(kNone);
      push(kTensor);
      push(handleOf(v.toTensor()));
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
      if (found) op.overloads.push_back(*found);
    } else {
      for (const auto& name : dispatcher.getAllOpNames()) {
        if (name.name != full) continue;
        const auto found = dispatcher.findSchema(name);
        if (found) op.overloads.push_back(*found);
      }
      // A fixed order: what comes from a hash table must not decide which overload runs.
      std::sort(op.overloads.begin(), op.overloads.end(), [](const auto& a, const auto& b) {
        return a.schema().overload_name() < b.schema().overload_name();
      });
    }
    TORCH_CHECK(!op.overloads.empty(), "there is no operator '", full, "' in this libtorch (", TORCH_VERSION, ")");
    bridge.operators.push_back(std::move(op));
    return toJs(env, static_cast<double>(bridge.operators.size() - 1));
  });
}

/// call(id, argument count, strings?): runs an operator on the buffer's arguments; the results replace
/// them. Returns the number of results.
napi_value call(napi_env env, napi_callback_info info) {
  Bridge& bridge = *bridgeOf(env);
  std::vector<std::string> strings;
  const Operator* op = nullptr;
  size_t count = 0;
  const auto reader = [&] {
    return Reader{bridge, bridge.buffer.get(), bridge.buffer.get() + kBufferLength, strings};
  };
  try {
    const Arguments args(env, info, 2);
    const auto id = static_cast<size_t>(args.number(0));
    TORCH_CHECK(id < bridge.operators.size(), "unknown operator id");
    op = &bridge.operators[id];
    count = static_cast<size_t>(args.number(1));
    if (!args.missing(2)) {
      uint32_t length = 0;
      check(env, napi_get_array_length(env, args[2], &length));
      for (uint32_t i = 0; i < length; ++i) {
        napi_value element;
        check(env, napi_get_element(env, args[2], i, &element));
        size_t size = 0;
        check(env, napi_get_value_string_utf8(env, element, nullptr, 0, &size));
        std::string text(size, '\0');
        check(env, napi_get_value_string_utf8(env, element, text.data(), size + 1, &size));
        strings.push_back(std::move(text));
      }
    }
    torch::jit::Stack stack;
    const c10::OperatorHandle* chosen = nullptr;
    std::string why;
    // Strict first: add(tensor, 2) must find the Scalar overload where one exists.
    for (const bool lenient : {false, true}) {
      for (const auto& overload : op->overloads) {
        try {
          fillStack(reader(), count, overload.schema(), lenient, stack);
          chosen = &overload;
          break;
        } catch (const Mismatch& mismatch) {
          if (!why.empty()) why += "; ";
          if (!lenient || op->overloads.size() == 1) {
            why = op->overloads.size() == 1 ? mismatch.why : why + "." + overload.schema().overload_name() + " " + mismatch.why;
          }
        }
      }
      if (chosen) break;
    }
    TORCH_CHECK(chosen, why);
    std::vector<std::pair<const c10::TensorImpl*, double>> written;
    const auto& schema = chosen->schema();
    if (schema.is_mutable()) {
      Reader in = reader();
      for (size_t i = 0; i < count; ++i) {
        size_t position = i;
        Value value = read(in);
        if (value.tag == kNamed) {
          position = static_cast<size_t>(*schema.argumentIndexWithName(in.text(value.number)));
          value = read(in);
        }
        if (!writes(schema.arguments()[position])) continue;
        if (value.tag == kTensor) {
          written.emplace_back(bridge.handles.get(value.number).unsafeGetTensorImpl(), value.number);
        } else if (value.tag == kTensorList) {
          for (size_t k = 0; k < value.length; ++k) {
            if (value.list[k] != 0) {
              written.emplace_back(bridge.handles.get(value.list[k]).unsafeGetTensorImpl(), value.list[k]);
            }
          }
        }
      }
    }
    chosen->callBoxed(stack);
    Writer out{bridge, written, bridge.buffer.get(), bridge.buffer.get() + kBufferLength};
    for (const auto& value : stack) out.value(value);
    return toJs(env, static_cast<double>(stack.size()));
  } catch (const PendingException&) {
    return nullptr;
  } catch (const std::exception& error) {
    // Arguments are still in the buffer: results are written only after the operator has succeeded.
    const auto* torchError = dynamic_cast<const c10::Error*>(&error);
    const std::string message = torchError ? torchError->what_without_backtrace() : error.what();
    const std::string where = op ? describeCall(op->name, reader(), count) : "operator call";
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
      text << overload.schema();
      check(env, napi_set_element(env, list, i++, toJs(env, text.str())));
    }
    return list;
  });
}

}  // namespace

void registerDispatch(napi_env env, napi_value exports) {
  define(env, exports, "resolve", resolve);
  define(env, exports, "call", call);
  define(env, exports, "schemas", schemas);
}

}  // namespace septum
