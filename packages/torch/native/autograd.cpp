// Gradients: backward, grad, modes, autocast and recomputation (gradient checkpointing).
#include <ATen/ThreadLocalState.h>
#include <ATen/autocast_mode.h>
#include <torch/csrc/autograd/autograd.h>
#include <torch/csrc/autograd/function.h>
#include <torch/csrc/autograd/functions/utils.h>
#include <torch/csrc/autograd/variable.h>
#include <torch/version.h>

#include <atomic>
#include <exception>

#include "bridge.hpp"

namespace septum {

void JsQueue::post(std::function<void()> job) {
  std::lock_guard<std::mutex> lock(mutex_);
  jobs_.push_back(std::move(job));
  changed_.notify_all();
}

void JsQueue::wake() {
  std::lock_guard<std::mutex> lock(mutex_);
  changed_.notify_all();
}

void JsQueue::pumpUntil(const std::atomic<bool>& done) {
  std::unique_lock<std::mutex> lock(mutex_);
  while (true) {
    changed_.wait(lock, [&] { return done.load() || !jobs_.empty(); });
    if (jobs_.empty()) return;
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    lock.unlock();
    job();
    lock.lock();
  }
}

namespace {

using torch::autograd::variable_list;

std::vector<at::Tensor> tensorsFromBuffer(Bridge& bridge, size_t from, size_t count) {
  TORCH_CHECK(from + count <= kBufferLength, "too many tensors");
  std::vector<at::Tensor> out;
  out.reserve(count);
  for (size_t i = 0; i < count; ++i) {
    const double handle = bridge.buffer[from + i];
    out.push_back(handle == 0 ? at::Tensor() : bridge.handles.get(handle));
  }
  return out;
}

/// While recomputed segments are alive their nodes call JavaScript, and on a GPU the engine runs nodes on
/// threads of its own. So the engine then runs beside the JavaScript thread, which serves its requests.
void runEngine(Bridge& bridge, const std::function<void()>& body) {
  if (bridge.checkpoints.load() == 0) return body();
  std::atomic<bool> done{false};
  std::exception_ptr failure;
  const at::ThreadLocalState state;
  const int threads = at::get_num_threads();
  std::thread engine([&] {
    const at::ThreadLocalStateGuard guard(state);
    at::set_num_threads(threads);
    try {
      body();
    } catch (...) {
      failure = std::current_exception();
    }
    done.store(true);
    bridge.queue.wake();
  });
  bridge.queue.pumpUntil(done);
  engine.join();
  if (failure) std::rethrow_exception(failure);
}

/// backward(tensor count, retain graph): roots, then as many gradients (0: ones), in the buffer.
napi_value backward(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 2);
    Bridge& bridge = *bridgeOf(env);
    const auto count = static_cast<size_t>(args.number(0));
    const bool retain = args.boolean(1);
    const auto roots = tensorsFromBuffer(bridge, 0, count);
    const auto gradients = tensorsFromBuffer(bridge, count, count);
    runEngine(bridge, [&] { torch::autograd::backward(roots, gradients, retain); });
    return nullptr;
  });
}

/// grad(outputs, inputs, retain, create): buffer holds outputs, their gradients, inputs; results replace them.
napi_value grad(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 4);
    Bridge& bridge = *bridgeOf(env);
    const auto outputs = static_cast<size_t>(args.number(0));
    const auto inputs = static_cast<size_t>(args.number(1));
    const bool retain = args.boolean(2);
    const bool create = args.boolean(3);
    const auto roots = tensorsFromBuffer(bridge, 0, outputs);
    const auto seeds = tensorsFromBuffer(bridge, outputs, outputs);
    const auto leaves = tensorsFromBuffer(bridge, 2 * outputs, inputs);
    variable_list result;
    runEngine(bridge, [&] { result = torch::autograd::grad(roots, leaves, seeds, retain, create, true); });
    for (size_t i = 0; i < result.size(); ++i) {
      bridge.buffer[i] = result[i].defined() ? bridge.handles.add(result[i]) : 0;
    }
    return toJs(env, static_cast<double>(result.size()));
  });
}

/// gradOf(handle): the accumulated gradient, or 0.
napi_value gradOf(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    Bridge& bridge = *bridgeOf(env);
    const at::Tensor gradient = bridge.handles.get(args.number(0)).grad();
    return toJs(env, gradient.defined() ? bridge.handles.add(gradient) : 0);
  });
}

/// setGrad(handle, gradient or 0)
napi_value setGrad(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 2);
    Bridge& bridge = *bridgeOf(env);
    at::Tensor tensor = bridge.handles.get(args.number(0));
    const double handle = args.number(1);
    if (handle != 0) {
      const at::Tensor& value = bridge.handles.get(handle);
      TORCH_CHECK(value.sizes() == tensor.sizes() && value.scalar_type() == tensor.scalar_type() &&
                      value.device() == tensor.device(),
                  "a gradient has the shape, dtype and device of its tensor: ", describe(tensor), " got ", describe(value));
    }
    tensor.mutable_grad() = handle == 0 ? at::Tensor() : bridge.handles.get(handle);
    return nullptr;
  });
}

napi_value setRequiresGrad(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 2);
    bridgeOf(env)->handles.get(args.number(0)).set_requires_grad(args.boolean(1));
    return nullptr;
  });
}

napi_value requiresGrad(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    return toJsBool(env, bridgeOf(env)->handles.get(args.number(0)).requires_grad());
  });
}

napi_value isLeaf(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    return toJsBool(env, bridgeOf(env)->handles.get(args.number(0)).is_leaf());
  });
}

/// gradMode(on?): sets whether operators are recorded; returns what was set before.
napi_value gradMode(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 0);
    const bool before = at::GradMode::is_enabled();
    if (!args.missing(0)) at::GradMode::set_enabled(args.boolean(0));
    return toJsBool(env, before);
  });
}

napi_value pushInference(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    bridgeOf(env)->inferenceGuards.push_back(std::make_unique<c10::InferenceMode>(true));
    return nullptr;
  });
}

napi_value popInference(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    auto& guards = bridgeOf(env)->inferenceGuards;
    TORCH_CHECK(!guards.empty(), "inference mode is not on");
    guards.pop_back();
    return nullptr;
  });
}

/// autocast(device kind, on, dtype): returns "on|off dtype" of before, so that it can be restored.
napi_value autocast(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 3);
    const bool cuda = args.string(0) == "cuda";
    const bool on = args.boolean(1);
    const auto dtype = dtypeFromName(args.string(2));
#if TORCH_VERSION_MAJOR > 2 || (TORCH_VERSION_MAJOR == 2 && TORCH_VERSION_MINOR >= 4)
    const auto kind = cuda ? at::kCUDA : at::kCPU;
    const bool before = at::autocast::is_autocast_enabled(kind);
    const auto beforeDtype = at::autocast::get_autocast_dtype(kind);
    at::autocast::set_autocast_enabled(kind, on);
    at::autocast::set_autocast_dtype(kind, dtype);
#else
    const bool before = cuda ? at::autocast::is_enabled() : at::autocast::is_cpu_enabled();
    const auto beforeDtype = cuda ? at::autocast::get_autocast_gpu_dtype() : at::autocast::get_autocast_cpu_dtype();
    if (cuda) {
      at::autocast::set_enabled(on);
      at::autocast::set_autocast_gpu_dtype(dtype);
    } else {
      at::autocast::set_cpu_enabled(on);
      at::autocast::set_autocast_cpu_dtype(dtype);
    }
#endif
    // Weights cast under one autocast region must not be reused after an optimiser step.
    at::autocast::clear_cache();
    return toJs(env, std::string(before ? "on " : "off ") + dtypeName(beforeDtype));
  });
}

/// A segment whose inner activations are computed again when its gradient is needed.
struct RecomputeNode : torch::autograd::Node {
  RecomputeNode(Bridge& b, napi_ref f, variable_list kept) : bridge(b), function(f), saved(std::move(kept)) {
    bridge.checkpoints.fetch_add(1);
  }

  ~RecomputeNode() override {
    bridge.checkpoints.fetch_sub(1);
    std::lock_guard<std::mutex> lock(bridge.droppedMutex);
    bridge.dropped.push_back(function);
  }

  void release_variables() override { saved.clear(); }

  /// Runs the segment again on the JavaScript thread, which gets the saved tensors in the buffer and
  /// answers by recomputed().
  void recompute(variable_list& inputs, variable_list& outputs) {
    TORCH_CHECK(!saved.empty(), "trying to go backward through a recomputed segment a second time");
    napi_env env = bridge.env;
    napi_handle_scope scope;
    napi_open_handle_scope(env, &scope);
    for (size_t i = 0; i < saved.size(); ++i) bridge.buffer[i] = bridge.handles.add(saved[i].detach());
    bridge.recomputedInputs.clear();
    bridge.recomputedOutputs.clear();
    napi_value fn, receiver, result;
    napi_get_reference_value(env, function, &fn);
    napi_get_undefined(env, &receiver);
    const auto status = napi_call_function(env, receiver, fn, 0, nullptr, &result);
    std::string message;
    if (status != napi_ok) {
      napi_value error, text;
      message = "recomputing a segment failed";
      bool pending = false;
      napi_is_exception_pending(env, &pending);
      if (pending && napi_get_and_clear_last_exception(env, &error) == napi_ok &&
          napi_coerce_to_string(env, error, &text) == napi_ok) {
        char buffer[1024];
        size_t length = 0;
        napi_get_value_string_utf8(env, text, buffer, sizeof buffer, &length);
        message += ": " + std::string(buffer, length);
      }
    } else {
      inputs.swap(bridge.recomputedInputs);
      outputs.swap(bridge.recomputedOutputs);
    }
    napi_close_handle_scope(env, scope);
    TORCH_CHECK(message.empty(), message);
  }

  variable_list apply(variable_list&& gradients) override {
    variable_list inputs, outputs;
    const bool here = std::this_thread::get_id() == bridge.jsThread;
    if (here) {
      recompute(inputs, outputs);
    } else {
      std::mutex mutex;
      std::condition_variable changed;
      bool finished = false;
      std::exception_ptr failure;
      bridge.queue.post([&] {
        try {
          recompute(inputs, outputs);
        } catch (...) {
          failure = std::current_exception();
        }
        std::lock_guard<std::mutex> lock(mutex);
        finished = true;
        changed.notify_all();
      });
      std::unique_lock<std::mutex> lock(mutex);
      changed.wait(lock, [&] { return finished; });
      if (failure) std::rethrow_exception(failure);
    }
    variable_list roots, seeds;
    TORCH_CHECK(outputs.size() == gradients.size(), "a recomputed segment returned ", outputs.size(), " tensors, at first ",
                gradients.size());
    for (size_t i = 0; i < outputs.size(); ++i) {
      if (!gradients[i].defined() || !outputs[i].requires_grad()) continue;
      roots.push_back(outputs[i]);
      seeds.push_back(gradients[i]);
    }
    if (!roots.empty()) torch::autograd::backward(roots, seeds);
    variable_list result;
    for (const auto& input : inputs) result.push_back(input.defined() ? input.grad() : at::Tensor());
    return result;
  }

  Bridge& bridge;
  napi_ref function;
  variable_list saved;
};

/// sawGradient(value): sets whether an operator took a tensor that requires a gradient; returns what was set.
napi_value sawGradient(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    return toJsBool(env, std::exchange(bridgeOf(env)->sawGradient, args.boolean(0)));
  });
}

/// recomputed(inputs, outputs): the leaves and results of a segment that has just run again.
napi_value recomputed(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 2);
    Bridge& bridge = *bridgeOf(env);
    const auto inputs = static_cast<size_t>(args.number(0));
    bridge.recomputedInputs = tensorsFromBuffer(bridge, 0, inputs);
    bridge.recomputedOutputs = tensorsFromBuffer(bridge, inputs, static_cast<size_t>(args.number(1)));
    return nullptr;
  });
}

/// checkpoint(recompute function, inputs, outputs): buffer holds the generator state, the inputs, then the
/// outputs, which become part of the graph; their new handles replace the buffer's content.
napi_value checkpoint(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 3);
    Bridge& bridge = *bridgeOf(env);
    const auto inputCount = static_cast<size_t>(args.number(1));
    const auto outputCount = static_cast<size_t>(args.number(2));
    auto saved = tensorsFromBuffer(bridge, 0, inputCount + 1);
    const auto outputs = tensorsFromBuffer(bridge, inputCount + 1, outputCount);
    const variable_list inputs(saved.begin() + 1, saved.end());
    for (auto& tensor : saved) tensor = tensor.detach();
    napi_ref ref;
    check(env, napi_create_reference(env, args[0], 1, &ref));
    const std::shared_ptr<RecomputeNode> node(new RecomputeNode(bridge, ref, std::move(saved)), torch::autograd::deleteNode);
    node->set_next_edges(torch::autograd::collect_next_edges(inputs));
    for (size_t i = 0; i < outputs.size(); ++i) {
      at::Tensor output = outputs[i].detach();
      torch::autograd::set_history(output, node);
      bridge.buffer[i] = bridge.handles.add(output);
    }
    return nullptr;
  });
}

}  // namespace

void registerAutograd(napi_env env, napi_value exports) {
  define(env, exports, "backward", backward);
  define(env, exports, "grad", grad);
  define(env, exports, "gradOf", gradOf);
  define(env, exports, "setGrad", setGrad);
  define(env, exports, "setRequiresGrad", setRequiresGrad);
  define(env, exports, "requiresGrad", requiresGrad);
  define(env, exports, "isLeaf", isLeaf);
  define(env, exports, "gradMode", gradMode);
  define(env, exports, "pushInference", pushInference);
  define(env, exports, "popInference", popInference);
  define(env, exports, "autocast", autocast);
  define(env, exports, "sawGradient", sawGradient);
  define(env, exports, "checkpoint", checkpoint);
  define(env, exports, "recomputed", recomputed);
}

}  // namespace septum
