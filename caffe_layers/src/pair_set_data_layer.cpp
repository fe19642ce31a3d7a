#include "caffe/layers/pair_set_data_layer.hpp"

#include <string>
#include <thread>
#include <vector>

#include "drdl/input_error.hpp"

namespace caffe {

template <typename Dtype>
PairSetDataLayer<Dtype>::~PairSetDataLayer() {
  ring_.reset();
#ifndef CPU_ONLY
  if (!gpu_) return;
  cudaStreamDestroy(stream_);
  for (const auto& batch : batches_) cudaEventDestroy(batch->released);
#endif
}

template <typename Dtype>
void PairSetDataLayer<Dtype>::LayerSetUp(const vector<Blob<Dtype>*>& bottom,
                                         const vector<Blob<Dtype>*>& top) {
  const PairSetDataParameter& param = this->layer_param_.pair_set_data_param();
  const uint32_t kMost = 1 << 16;  // far beyond what memory holds
  CHECK(param.sets() > 0 && param.sets() <= kMost)
      << "sets: from 1 to " << kMost << " in a batch, got " << param.sets();
  CHECK(param.positives() > 0 && param.positives() <= kMost)
      << "positives: from 1 to " << kMost << " in a set, got "
      << param.positives();
  CHECK_LE(param.negatives(), kMost) << "negatives: at most " << kMost
                                     << " in a set, got " << param.negatives();
  CHECK_LE(uint64_t{param.sets()} * (param.positives() + param.negatives()),
           uint64_t{1} << 20)
      << "at most 1048576 images in a batch";
  CHECK_LE(param.threads(), 1024) << "threads: at most 1024";
  CHECK(param.prefetch() > 0 && param.prefetch() <= 1024)
      << "prefetch: from 1 to 1024 batches, got " << param.prefetch();
  CHECK(!param.source().empty()) << "source: name the folder of an image LMDB";
  CHECK(param.hard_negatives() >= 0 && param.hard_negatives() <= 1)
      << "hard_negatives: a share from 0 to 1, got " << param.hard_negatives();
  const int threads =
      param.threads() ? param.threads()
                      : drdl::ThreadsOfEach(std::thread::hardware_concurrency(),
                                            Caffe::solver_count());
  const TransformationParameter& transform =
      this->layer_param_.transform_param();
  store_ = drdl::ImageStore::Open(param.source(), param.cache(),
                                  transform.force_gray(), threads);
  plan_.reset(new drdl::PairSetPlan(store_->index(), param));
  transform_.reset(
      new drdl::ImageTransform(transform, this->phase_, store_->Image(0)));
  ranks_ = this->phase_ == TRAIN ? Caffe::solver_count() : 1;
  rank_ = this->phase_ == TRAIN ? Caffe::solver_rank() : 0;
  test_batches_ = param.test_batches()
                      ? param.test_batches()
                      : (plan_->epoch_sets() + param.sets() - 1) / param.sets();
  SetUpPosition();
  SetUpBatches(top);
  LogSetUp(top);

  drdl::PrefetchRing::Work work;
  work.begin = [this](uint64_t step, int buffer) {
    BeginBatch(step, batches_[buffer].get());
  };
  work.item = [this](uint64_t step, int buffer, int item) {
    MakeImage(item, batches_[buffer].get());
  };
  work.end = [this](int buffer) { PushToGpu(batches_[buffer].get()); };
  ring_.reset(new drdl::PrefetchRing(threads, batches_.size(),
                                     batches_[0]->data.num(), 0, work));
}

template <typename Dtype>
void PairSetDataLayer<Dtype>::SetUpPosition() {
  if (this->blobs_.empty()) {
    this->blobs_.push_back(
        shared_ptr<Blob<Dtype> >(new Blob<Dtype>(vector<int>(1, 1))));
    this->blobs_[0]->mutable_cpu_data()[0] = 0;
  }
  if (this->layer_param_.param_size() == 0) {
    // Correct all the same, but Caffe reads the net's own prototxt when it
    // decides which layers need a gradient.
    LOG(WARNING) << this->layer_param_.name() << ": without param { lr_mult: 0 "
                 << "decay_mult: 0 }, the first layers compute a gradient for "
                 << "the images that nobody uses";
    this->layer_param_.add_param();
  }
  this->layer_param_.mutable_param(0)->set_lr_mult(0);
  this->layer_param_.mutable_param(0)->set_decay_mult(0);
}

template <typename Dtype>
void PairSetDataLayer<Dtype>::SetUpBatches(const vector<Blob<Dtype>*>& top) {
  const PairSetDataParameter& param = this->layer_param_.pair_set_data_param();
  const int images = param.sets() * (param.positives() + param.negatives());
  const vector<int> shape{images, transform_->channels(), transform_->height(),
                          transform_->width()};
  const vector<int> labels(1, images);
  // One more than is made ahead: the net still uses the one it was given.
  for (int b = 0; b < param.prefetch() + 1; ++b) {
    batches_.emplace_back(new Batch);
    batches_[b]->data.Reshape(shape);
    batches_[b]->vehicle_ids.Reshape(labels);
    batches_[b]->model_ids.Reshape(labels);
    // Allocated here, because allocation asks Caffe for the mode, which the
    // decode threads must not do.
    if (Caffe::mode() == Caffe::CPU) batches_[b]->data.mutable_cpu_data();
    batches_[b]->vehicle_ids.mutable_cpu_data();
    batches_[b]->model_ids.mutable_cpu_data();
  }
  top[0]->Reshape(shape);
  for (int i = 1; i < top.size(); ++i) top[i]->Reshape(labels);
  if (Caffe::mode() == Caffe::GPU) SetUpGpu();
}

#ifdef CPU_ONLY
template <typename Dtype>
void PairSetDataLayer<Dtype>::SetUpGpu() {
  NO_GPU;
}
#else
template <typename Dtype>
void PairSetDataLayer<Dtype>::SetUpGpu() {
  CUDA_CHECK(cudaGetDevice(&device_));
  CUDA_CHECK(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking));
  gpu_ = true;
  means_.Reshape({transform_->mean_count()});
  transform_->CopyMeans(means_.mutable_cpu_data());
  means_.gpu_data();
  for (const auto& batch : batches_) {
    CUDA_CHECK(
        cudaEventCreateWithFlags(&batch->released, cudaEventDisableTiming));
    const size_t cut_outs = sizeof(drdl::CutOut) * batch->data.num();
    batch->decoded.reset(new SyncedMemory(cut_outs + batch->data.count()));
    batch->data.mutable_gpu_data();
    // The last calls leave the heads on the CPU.
    for (SyncedMemory* memory :
         {batch->decoded.get(), batch->vehicle_ids.data().get(),
          batch->model_ids.data().get()}) {
      memory->mutable_gpu_data();
      memory->mutable_cpu_data();
    }
  }
}
#endif

template <typename Dtype>
void PairSetDataLayer<Dtype>::LogSetUp(const vector<Blob<Dtype>*>& top) const {
  if (!Caffe::root_solver()) return;
  const PairSetDataParameter& param = this->layer_param_.pair_set_data_param();
  const PairIndex& index = store_->index();
  int short_vehicles = 0, unlabelled = 0;
  for (const PairIndex::Vehicle& vehicle : index.vehicle()) {
    short_vehicles += vehicle.count() < param.positives();
    unlabelled += vehicle.model_id() < 0;
  }
  LOG(INFO) << param.source() << ": " << index.num_images() << " images of "
            << index.vehicle_size() << " vehicles, " << index.num_models()
            << " models, " << unlabelled << " vehicles without a model";
  LOG(INFO) << short_vehicles << " vehicles have fewer than "
            << param.positives() << " images: "
            << PairSetDataParameter::ShortVehicles_Name(param.short_vehicles())
            << "; an epoch is " << plan_->epoch_sets() << " sets";
  LOG(INFO) << "a batch is " << top[0]->shape_string() << ", " << param.sets()
            << " sets of " << param.positives() << " + " << param.negatives()
            << (this->phase_ == TRAIN
                    ? ", on each of " + std::to_string(ranks_) + " solvers"
                    : ", the same " + std::to_string(test_batches_) +
                          " batches over and over");
}

template <typename Dtype>
uint64_t PairSetDataLayer<Dtype>::GlobalBatch(uint64_t step) const {
  return this->phase_ == TRAIN ? step * ranks_ + rank_ : step % test_batches_;
}

template <typename Dtype>
void PairSetDataLayer<Dtype>::BeginBatch(uint64_t step, Batch* batch) const {
  batch->number = GlobalBatch(step);
  batch->images = plan_->Batch(batch->number);
#ifndef CPU_ONLY
  if (gpu_) {
    void* decoded = batch->decoded->mutable_cpu_data();
    batch->cut_outs = static_cast<drdl::CutOut*>(decoded);
    batch->bytes =
        reinterpret_cast<uint8_t*>(batch->cut_outs + batch->data.num());
  } else {
    batch->pixels = batch->data.mutable_cpu_data();
  }
#else
  batch->pixels = batch->data.mutable_cpu_data();
#endif
  Dtype* vehicle_ids = batch->vehicle_ids.mutable_cpu_data();
  Dtype* model_ids = batch->model_ids.mutable_cpu_data();
  for (size_t i = 0; i < batch->images.size(); ++i) {
    const PairIndex::Vehicle& vehicle =
        store_->index().vehicle(batch->images[i].vehicle);
    vehicle_ids[i] = vehicle.vehicle_id();
    model_ids[i] = vehicle.model_id();
  }
}

template <typename Dtype>
void PairSetDataLayer<Dtype>::MakeImage(int item, Batch* batch) const {
  const uint32_t record = batch->images[item].record;
  const cv::Mat image = store_->Image(record);
  const std::string refusal = transform_->Refusal(image);
  if (!refusal.empty()) {
    throw drdl::InputError(refusal, store_->Describe(record),
                           "build the LMDB with one size for all images");
  }
  const drdl::CounterRng rng = plan_->TransformRng(batch->number, item);
  const size_t first = static_cast<size_t>(item) * batch->data.count(1);
#ifndef CPU_ONLY
  if (gpu_) {
    batch->cut_outs[item] = transform_->Cut(image, rng, batch->bytes + first);
    return;
  }
#endif
  transform_->Apply(image, rng, batch->pixels + first);
}

template <typename Dtype>
void PairSetDataLayer<Dtype>::PushToGpu(Batch* batch) const {
#ifndef CPU_ONLY
  if (!gpu_) return;
  CUDA_CHECK(cudaSetDevice(device_));
  // Kernels that read what was in this buffer before may still be under way.
  CUDA_CHECK(cudaStreamWaitEvent(stream_, batch->released, 0));
  batch->decoded->async_gpu_push(stream_);
  const int images = batch->data.num();
  const drdl::CutOut* cut_outs =
      static_cast<const drdl::CutOut*>(batch->decoded->gpu_data());
  transform_->ApplyOnDevice(
      images, reinterpret_cast<const uint8_t*>(cut_outs + images), cut_outs,
      means_.gpu_data(), batch->data.mutable_gpu_data(), stream_);
  batch->vehicle_ids.data()->async_gpu_push(stream_);
  batch->model_ids.data()->async_gpu_push(stream_);
  CUDA_CHECK(cudaStreamSynchronize(stream_));
#endif
}

template <typename Dtype>
uint64_t PairSetDataLayer<Dtype>::Step() const {
  // A test net shares the train net's blob: it must not move it.
  if (this->phase_ == TEST) return test_step_;
  const Dtype step = this->blobs_[0]->cpu_data()[0];
  // Before the cast, which only some values survive; NaN is refused too.
  if (!(step >= 0 && step < 1 << 24)) {
    throw drdl::InputError(
        "the position " + std::to_string(step) + " is no batch number",
        this->layer_param_.name() + "; a float counts from 0 to 2^24 - 1",
        "give the layer another name: it then starts at 0, with any weights");
  }
  return static_cast<uint64_t>(step);
}

template <typename Dtype>
void PairSetDataLayer<Dtype>::SetStep(uint64_t step) {
  if (this->phase_ == TEST) {
    test_step_ = step;
  } else {
    this->blobs_[0]->mutable_cpu_data()[0] = step;
  }
}

template <typename Dtype>
void PairSetDataLayer<Dtype>::Forward_cpu(const vector<Blob<Dtype>*>& bottom,
                                          const vector<Blob<Dtype>*>& top) {
  const uint64_t step = Step();
  Batch* batch = batches_[ring_->Take(step)].get();
  SetStep(step + 1);  // not before: who tries again shall not skip a bad batch
#ifndef CPU_ONLY
  given_ = batch;
#endif
  top[0]->ShareData(batch->data);
  if (top.size() > 1) top[1]->ShareData(batch->vehicle_ids);
  if (top.size() > 2) top[2]->ShareData(batch->model_ids);
}

#ifdef CPU_ONLY
STUB_GPU_FORWARD(PairSetDataLayer, Forward);
#endif

INSTANTIATE_CLASS(PairSetDataLayer);
REGISTER_LAYER_CLASS(PairSetData);

}  // namespace caffe
