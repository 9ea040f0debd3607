// Shared declarations of the bridge: per-environment state, the handle table and the argument buffer.
#pragma once
#define NAPI_VERSION 9
#include <node_api.h>
#include <torch/torch.h>

#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace septum {

/// Kinds of values in the argument buffer; packages/torch/src/native.ts has the same numbers.
enum Tag : int {
  kNone = 0,        // no payload
  kNumber = 1,      // value
  kBool = 2,        // 0 | 1
  kBigInt = 3,      // the 64 bits of the integer
  kTensor = 4,      // handle
  kString = 5,      // number of an interned text
  kNumberList = 6,  // length, values
  kTensorList = 7,  // length, handles (0: none)
  kBoolList = 8,    // length, 0 | 1
  kNamed = 9,       // number of the name (an interned text), then a value of any kind
};

constexpr size_t kBufferLength = 1 << 16;

/// Tensors that JavaScript holds. A handle is slot + generation * 2^24, so that one that was freed is
/// recognised even when its slot holds another tensor by now.
class HandleTable {
 public:
  double add(at::Tensor tensor);
  /// Throws c10::Error when the handle was freed or never existed.
  const at::Tensor& get(double handle) const {
    const Slot* slot = find(handle);
    TORCH_CHECK(slot != nullptr, "this tensor was freed (by free(), or at the end of the scope() it was made in)");
    return slot->tensor;
  }
  /// Frees a handle and returns the bytes that were reported to the garbage collector for it.
  /// Freeing twice is harmless.
  int64_t remove(double handle);
  /// Notes that the garbage collector is responsible for this handle from now on.
  int64_t report(double handle);
  size_t live() const { return live_; }

 private:
  struct Slot {
    at::Tensor tensor;
    uint32_t generation = 1;
    int64_t reportedBytes = 0;
    bool used = false;
  };
  Slot* find(double handle) const {
    if (!(handle > 0) || handle > 9007199254740991.0) return nullptr;
    const auto whole = static_cast<int64_t>(handle);
    if (static_cast<double>(whole) != handle) return nullptr;
    const auto slot = static_cast<size_t>(whole & ((1 << 24) - 1));
    if (slot >= slots_.size()) return nullptr;
    Slot& found = slots_[slot];
    return found.used && found.generation == static_cast<uint64_t>(whole >> 24) ? &found : nullptr;
  }
  mutable std::vector<Slot> slots_{1};  // slot 0 stays empty: handle 0 means "none"
  std::vector<uint32_t> free_;
  size_t live_ = 0;
};

/// What dispatch needs to know of one argument, read from the schema once.
struct Parameter {
  const c10::Argument* argument;
  const c10::IValue* fallback;  // the default, or nullptr
  c10::TypePtr type;            // without Optional
  c10::TypeKind kind;
  c10::TypeKind element;  // of a list
  bool optional;
  bool writes;
  uint32_t accepts;         // a bit for each Tag
  uint32_t acceptsLenient;  // with a number for a tensor
  // The list of whole numbers that was passed last: strides, paddings and shapes seldom change.
  std::vector<double> lastList;
  c10::IValue lastValue;
};

struct Overload {
  c10::OperatorHandle handle;
  std::vector<Parameter> parameters;
  size_t required;  // leading positional arguments up to the last one without a default
  bool writes;
};

struct Operator {
  std::string name;
  std::vector<Overload> overloads;
};

/// Work that a thread of the autograd engine asks the JavaScript thread to do.
class JsQueue {
 public:
  void post(std::function<void()> job);
  /// Runs jobs on the calling thread until `done` was posted.
  void pumpUntil(const std::atomic<bool>& done);
  void wake();

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<std::function<void()>> jobs_;
};

/// One per Node environment (main thread or worker).
struct Bridge {
  napi_env env = nullptr;
  std::thread::id jsThread = std::this_thread::get_id();
  HandleTable handles;
  std::deque<Operator> operators;  // a deque: references stay valid while others are added
  std::deque<std::string> texts;
  std::vector<c10::IValue> stack;  // between calls: its memory only
  std::unique_ptr<double[]> buffer{new double[kBufferLength]};
  std::vector<std::unique_ptr<c10::InferenceMode>> inferenceGuards;
  bool sawGradient = false;  // some operator took a tensor that requires a gradient
  JsQueue queue;
  std::atomic<int> checkpoints{0};
  std::vector<at::Tensor> recomputedInputs;
  std::vector<at::Tensor> recomputedOutputs;
  // References that another thread dropped; deleted on the JavaScript thread.
  std::mutex droppedMutex;
  std::vector<napi_ref> dropped;
};

/// Thrown after a Node-API call has already set a JavaScript exception.
struct PendingException {};

void check(napi_env env, napi_status status);
Bridge* bridgeOf(napi_env env);

/// Arguments of a native function, checked for their number.
struct Arguments {
  Arguments(napi_env env, napi_callback_info info, size_t expected);
  double number(size_t i) const;
  int64_t integer(size_t i) const;
  bool boolean(size_t i) const;
  std::string string(size_t i) const;
  bool missing(size_t i) const;
  napi_value operator[](size_t i) const { return values[i]; }
  napi_env env;
  size_t count = 8;
  napi_value values[8];
};

/// Runs a native function; C++ exceptions become JavaScript errors.
napi_value guarded(napi_env env, const std::function<napi_value()>& body);

napi_value toJs(napi_env env, double value);
napi_value toJs(napi_env env, const std::string& value);
napi_value toJsBool(napi_env env, bool value);

std::string describe(const at::Tensor& tensor);
c10::ScalarType dtypeFromName(const std::string& name);
std::string dtypeName(c10::ScalarType dtype);
c10::Layout layoutFromName(const std::string& name);
c10::MemoryFormat memoryFormatFromName(const std::string& name);

void registerDispatch(napi_env env, napi_value exports);
void registerTensors(napi_env env, napi_value exports);
void registerAutograd(napi_env env, napi_value exports);
void registerRuntime(napi_env env, napi_value exports);
void registerMemory(napi_env env, napi_value exports);
void define(napi_env env, napi_value exports, const char* name, napi_callback callback);

}  // namespace septum
