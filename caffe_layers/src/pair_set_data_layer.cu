#include <vector>

#include "caffe/layers/pair_set_data_layer.hpp"

namespace caffe {

template <typename Dtype>
void PairSetDataLayer<Dtype>::Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  // Take gives the last batch's buffer back, and kernels that read it may still
  // be under way.
  CUDA_CHECK(cudaStreamSynchronize(cudaStreamDefault));
  Forward_cpu(bottom, top);
}

INSTANTIATE_LAYER_GPU_FORWARD(PairSetDataLayer);

}  // namespace caffe
