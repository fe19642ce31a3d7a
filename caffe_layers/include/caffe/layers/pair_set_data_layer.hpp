#ifndef CAFFE_PAIR_SET_DATA_LAYER_HPP_
#define CAFFE_PAIR_SET_DATA_LAYER_HPP_

#include <memory>
#include <vector>

#include "caffe/blob.hpp"
#include "caffe/layer.hpp"
#include "caffe/proto/caffe.pb.h"
#include "drdl/image_store.hpp"
#include "drdl/image_transform.hpp"
#include "drdl/pair_set_plan.hpp"
#include "drdl/prefetch_ring.hpp"

namespace caffe {

/**
 * @brief Batches of pair sets, the input of coupled clusters loss (Sec. 3.2).
 *
 * A batch is `sets` times [positives of one vehicle, then negatives of as many
 * distinct other vehicles], read from an image LMDB with a pair index.
 *
 * tops:
 *   -# @f$ (N \times C \times H \times W) @f$ images,
 *      N = sets * (positives + negatives)
 *   -# @f$ (N) @f$ vehicle ids, the data set's own numbers (optional)
 *   -# @f$ (N) @f$ vehicle model labels, -1 = unlabelled (optional)
 *
 * A batch is a pure function of (seed, global batch number, index), for any
 * number of decode threads. In the TRAIN phase, rank r of R takes batch
 * t * R + r at its step t; in TEST, every net sees the same list of batches.
 *
 * The only blob holds t. It travels in snapshots, so a resumed run goes on with
 * the very batch that a straight run would have had. It must not be learned:
 * `param { lr_mult: 0 decay_mult: 0 }`.
 */
template <typename Dtype>
class PairSetDataLayer : public Layer<Dtype> {
 public:
  explicit PairSetDataLayer(const LayerParameter& param)
      : Layer<Dtype>(param), test_step_(0) {}
  virtual ~PairSetDataLayer();
  virtual void LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                          const vector<Blob<Dtype>*>& top);
  virtual void Reshape(const vector<Blob<Dtype>*>& bottom,
                       const vector<Blob<Dtype>*>& top) {}

  virtual inline const char* type() const { return "PairSetData"; }
  virtual inline int ExactNumBottomBlobs() const { return 0; }
  virtual inline int MinTopBlobs() const { return 1; }
  virtual inline int MaxTopBlobs() const { return 3; }

 protected:
  virtual void Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                           const vector<Blob<Dtype>*>& top);
  virtual void Forward_gpu(const vector<Blob<Dtype>*>& bottom,
                           const vector<Blob<Dtype>*>& top);
  virtual void Backward_cpu(const vector<Blob<Dtype>*>& top,
                            const vector<bool>& propagate_down,
                            const vector<Blob<Dtype>*>& bottom) {}

  // The tops of one batch, and where its images come from.
  struct Batch {
    Blob<Dtype> data, vehicle_ids, model_ids;
    uint64_t number;
    std::vector<drdl::PlannedImage> images;
    Dtype* pixels;  // data's, fetched before threads write to it
#ifndef CPU_ONLY
    // On the GPU a batch travels as it was decoded, a byte a value, and becomes
    // data there: first where each image was cut out, then their pixels.
    std::unique_ptr<SyncedMemory> decoded;
    drdl::CutOut* cut_outs = nullptr;  // the host's, of decoded
    uint8_t* bytes = nullptr;
    cudaEvent_t released = nullptr;  // the net has done with it
#endif
  };

  void SetUpPosition();
  void SetUpBatches(const vector<Blob<Dtype>*>& top);
  void LogSetUp(const vector<Blob<Dtype>*>& top) const;
  uint64_t GlobalBatch(uint64_t step) const;
  void BeginBatch(uint64_t step, Batch* batch) const;
  void MakeImage(int item, Batch* batch) const;
  void SetUpGpu();
  void PushToGpu(Batch* batch) const;
  uint64_t Step() const;
  void SetStep(uint64_t step);

  std::shared_ptr<const drdl::ImageStore> store_;
  std::unique_ptr<drdl::PairSetPlan> plan_;
  std::unique_ptr<drdl::ImageTransform> transform_;
  std::vector<std::unique_ptr<Batch> > batches_;
  uint64_t ranks_, rank_, test_batches_, test_step_;
#ifndef CPU_ONLY
  bool gpu_ = false;
  int device_;
  cudaStream_t stream_;
  Blob<float> means_;
  Batch* given_ = nullptr;  // to the net, by the last Forward
#endif
  // Last, so that its threads end before what they use.
  std::unique_ptr<drdl::PrefetchRing> ring_;
};

}  // namespace caffe

#endif  // CAFFE_PAIR_SET_DATA_LAYER_HPP_
