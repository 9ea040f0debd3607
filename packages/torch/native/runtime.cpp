// Seeds, generator state, threads, devices and what this libtorch is.
#include <dlfcn.h>
#include <link.h>
#include <stdlib.h>
#include <torch/version.h>

#include "bridge.hpp"

namespace septum {
namespace {

at::Generator generatorOf(const std::string& name) {
  const c10::Device device(name);
  return at::globalContext().defaultGenerator(device);
}

napi_value manualSeed(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    torch::manual_seed(static_cast<uint64_t>(args.number(0)));
    return nullptr;
  });
}

napi_value generatorState(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    at::Generator generator = generatorOf(args.string(0));
    std::lock_guard<std::mutex> lock(generator.mutex());
    return toJs(env, bridgeOf(env)->handles.add(generator.get_state()));
  });
}

napi_value setGeneratorState(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 2);
    at::Generator generator = generatorOf(args.string(0));
    const at::Tensor state = bridgeOf(env)->handles.get(args.number(1));
    std::lock_guard<std::mutex> lock(generator.mutex());
    generator.set_state(state);
    return nullptr;
  });
}

struct Blas {
  std::string kind = "reference";
  void (*setThreads)(int) = nullptr;
};

/// Looks through the loaded libraries: a libblas.so.3 may be any implementation behind one name.
Blas findBlas() {
  Blas blas;
  dl_iterate_phdr(
      [](dl_phdr_info* library, size_t, void* data) {
        auto* found = static_cast<Blas*>(data);
        const std::string loaded = library->dlpi_name ? library->dlpi_name : "";
        char resolved[4096];
        const std::string path = realpath(loaded.c_str(), resolved) ? resolved : loaded;
        const auto has = [&](const char* part) { return path.find(part) != std::string::npos; };
        if (has("libmkl") || (has("libtorch_cpu") && at::globalContext().hasMKL())) found->kind = "mkl";
        if (!has("blas")) return 0;
        if (void* handle = dlopen(loaded.c_str(), RTLD_LAZY | RTLD_NOLOAD)) {
          if (void* symbol = dlsym(handle, "openblas_set_num_threads")) {
            found->kind = "openblas";
            found->setThreads = reinterpret_cast<void (*)(int)>(symbol);
          } else if (dlsym(handle, "bli_thread_set_num_threads")) {
            found->kind = "blis";
          }
          dlclose(handle);
        }
        return 0;
      },
      &blas);
  return blas;
}

napi_value setThreads(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    const int count = static_cast<int>(args.integer(0));
    TORCH_CHECK(count >= 1 && count <= 4096, "threads must be between 1 and 4096, got ", count);
    at::set_num_threads(count);
    const Blas blas = findBlas();
    if (blas.setThreads) blas.setThreads(count);
    return nullptr;
  });
}

napi_value threads(napi_env env, napi_callback_info) {
  return guarded(env, [&] { return toJs(env, at::get_num_threads()); });
}

napi_value about(napi_env env, napi_callback_info) {
  return guarded(env, [&]() -> napi_value {
    napi_value result;
    check(env, napi_create_object(env, &result));
    const auto set = [&](const char* key, napi_value value) {
      check(env, napi_set_named_property(env, result, key, value));
    };
    set("libtorch", toJs(env, std::string(TORCH_VERSION)));
    set("blas", toJs(env, findBlas().kind));
    set("onednn", toJsBool(env, at::globalContext().hasMKLDNN()));
    set("cudaDevices", toJs(env, static_cast<double>(torch::cuda::is_available() ? torch::cuda::device_count() : 0)));
    return result;
  });
}

napi_value synchronize(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    const c10::Device device(args.string(0));
    if (device.is_cuda()) torch::cuda::synchronize(device.index());
    return nullptr;
  });
}

napi_value setDeterministic(napi_env env, napi_callback_info info) {
  return guarded(env, [&]() -> napi_value {
    const Arguments args(env, info, 1);
    at::globalContext().setDeterministicAlgorithms(args.boolean(0), true);
    at::globalContext().setDeterministicCuDNN(args.boolean(0));
    at::globalContext().setBenchmarkCuDNN(!args.boolean(0));
    return nullptr;
  });
}

}  // namespace

void registerRuntime(napi_env env, napi_value exports) {
  define(env, exports, "manualSeed", manualSeed);
  define(env, exports, "generatorState", generatorState);
  define(env, exports, "setGeneratorState", setGeneratorState);
  define(env, exports, "setThreads", setThreads);
  define(env, exports, "threads", threads);
  define(env, exports, "about", about);
  define(env, exports, "synchronize", synchronize);
  define(env, exports, "setDeterministic", setDeterministic);
}

}  // namespace septum
