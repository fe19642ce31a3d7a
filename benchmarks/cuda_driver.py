"""The calls of NVIDIA's driver that timing needs and pycaffe does not have."""

import ctypes


class CudaDriver:
    """The driver, in the context that Caffe has made in this thread."""

    def __init__(self) -> None:
        self._cuda = ctypes.CDLL("libcuda.so.1")

    def device_name(self) -> str:
        """As NVIDIA calls it."""
        device, name = ctypes.c_int(), ctypes.create_string_buffer(100)
        self._call("cuCtxGetDevice", ctypes.byref(device))
        self._call("cuDeviceGetName", name, len(name), device)
        return name.value.decode()

    def synchronize(self) -> None:
        """Waits for all that was launched."""
        self._call("cuCtxSynchronize")

    def allocate(self, size: int) -> int:
        """The address of so many bytes on the device; they are never freed."""
        address = ctypes.c_uint64()
        self._call("cuMemAlloc_v2", ctypes.byref(address), ctypes.c_size_t(size))
        return address.value

    def copy(self, target: int, source: int, size: int) -> None:
        """Begins to copy bytes from the device to itself."""
        arguments = (ctypes.c_uint64(target), ctypes.c_uint64(source))
        self._call("cuMemcpyDtoD_v2", *arguments, ctypes.c_size_t(size))

    def _call(self, name: str, *arguments: object) -> None:
        code = getattr(self._cuda, name)(*arguments)
        if code != 0:
            raise RuntimeError(f"{name} failed with CUDA's error {code}")
