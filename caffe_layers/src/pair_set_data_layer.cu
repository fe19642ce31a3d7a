#include <vector>

#include "caffe/layers/pair_set_data_layer.hpp"

namespace caffe {

template <typename Dtype>
void PairSetDataLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  // Take gives the last batch's buffer back: what is copied there next waits
  // for the kernels that read it, which are all launched.
  if (given_ && gpu_) {
    CUDA_CHECK(cudaEventRecord(given_->released, cudaStreamDefault));
  }
  Forward_cpu(bottom, top);
}

INSTANTIATE_LAYER_GPU_FORWARD(PairSetDataLayer);

}  // namespace caffe
