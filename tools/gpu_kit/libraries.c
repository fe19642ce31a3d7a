/* Says of shared libraries whether they load, from where, and their versions.
 *
 *   libraries NAME...    a line for each: name, path or "-", version or the reason
 *
 * Exit code 1 if one does not load.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <string.h>

/* As cublasGetProperty and curandGetProperty have them: major, minor, patch. */
static void property(void* library, const char* function) {
  int (*get)(int, int*) = (int (*)(int, int*))dlsym(library, function);
  for (int part = 0; get && part < 3; part++) {
    int value;
    if (get(part, &value) == 0) printf(part ? ".%d" : "%d", value);
  }
}

/* As CUDA counts: 13000 is 13.0. */
static void number(void* library, const char* function) {
  int (*get)(int*) = (int (*)(int*))dlsym(library, function);
  int value;
  if (get && get(&value) == 0) printf("%d.%d", value / 1000, value % 100 / 10);
}

static void version(void* library, const char* name) {
  if (strstr(name, "libcuda.")) number(library, "cuDriverGetVersion");
  if (strstr(name, "libcudart.")) number(library, "cudaRuntimeGetVersion");
  if (strstr(name, "libcublas.")) property(library, "cublasGetProperty");
  if (strstr(name, "libcurand.")) property(library, "curandGetProperty");
  if (strstr(name, "libcudnn.")) {
    size_t (*get)(void) = (size_t(*)(void))dlsym(library, "cudnnGetVersion");
    size_t value = get ? get() : 0; /* 91300 is 9.13.0 */
    printf("%zu.%zu.%zu", value / 10000, value / 100 % 100, value % 100);
  }
}

int main(int argc, char** argv) {
  int missing = 0;
  for (int i = 1; i < argc; i++) {
    struct link_map* map = NULL;
    void* library = dlopen(argv[i], RTLD_LAZY);
    if (library == NULL) {
      printf("%s\t-\t%s\n", argv[i], dlerror());
      missing = 1;
      continue;
    }
    dlinfo(library, RTLD_DI_LINKMAP, &map);
    printf("%s\t%s\t", argv[i], map->l_name);
    version(library, argv[i]);
    printf("\n");
  }
  return missing;
}
