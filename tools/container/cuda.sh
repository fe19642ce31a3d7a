#!/usr/bin/env bash
# Installs what tools/setup.sh cuda builds with, from NVIDIA's Debian repository: CUDA 13,
# cuDNN 9 and NCCL 2. For images, as root; a GPU is not needed.
set -euo pipefail

apt-get update -qq
apt-get install -y -qq --no-install-recommends ca-certificates curl >/dev/null
keyring=/tmp/cuda-keyring.deb
curl -fsSL -o $keyring \
  https://developer.download.nvidia.com/compute/cuda/repos/debian12/x86_64/cuda-keyring_1.1-1_all.deb
dpkg -i $keyring >/dev/null
rm $keyring
apt-get update -qq
apt-get install -y -qq --no-install-recommends cuda-nvcc-13-0 cuda-cudart-dev-13-0 \
  libcublas-dev-13-0 libcurand-dev-13-0 cudnn9-cuda-13 libcudnn9-dev-cuda-13 \
  libnccl-dev >/dev/null
