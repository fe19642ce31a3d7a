# Caffe with our layers, and the tools, on Debian 12.
#
#   docker build --tag drdl .
#   docker build --tag drdl-cuda --build-arg PRESET=cuda .
#   docker run --rm --volume "$PWD:/work" drdl drdl environment
#
# tools/container/try_in_root.py runs these steps where there is no container engine;
# apptainer.def has the same.
FROM debian:12-slim
SHELL ["/bin/bash", "-euo", "pipefail", "-c"]
ARG PRESET=cpu
ENV DEBIAN_FRONTEND=noninteractive
WORKDIR /opt/drdl
ENV PATH=/opt/drdl/.venv/bin:/usr/local/cuda/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin

COPY tools/container/cuda.sh tools/container/
RUN if [ "$PRESET" = cuda ]; then tools/container/cuda.sh; fi
COPY tools/setup.sh tools/
RUN tools/setup.sh packages
COPY . .
RUN tools/setup.sh "$PRESET" && rm -rf build "$HOME/.cache"
RUN python -c "import caffe, pydrdl" && drdl environment && drdl gradcheck --help

RUN useradd --create-home --uid 1000 drdl
USER 1000
WORKDIR /work
CMD ["drdl", "--help"]
