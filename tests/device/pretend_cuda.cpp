// A pretended CUDA device: real data in ordinary memory, behind torch's own dispatch key for CUDA.
//
// A CPU build of torch registers nothing for the key CUDA: no kernel, allocator, device guard, hooks or generator. This file
// registers all five. Every operator goes to one boxed fallback: it refuses what a GPU refuses, lends the tensors' memory to the
// CPU kernel without a copy, and returns the results as tensors on "cuda". The code under test therefore sees the device type
// "cuda", takes torch's own branches for CUDA (autocast's lists, foreach and fused optimisers, fused RNN cells), and fails where
// it would fail on a GPU.

#include <ATen/ATen.h>
#include <ATen/detail/CUDAHooksInterface.h>
#include <ATen/native/Resize.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/resize_native.h>
#include <ATen/ops/set_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <torch/library.h>

#include <cstdlib>
#include <cstring>
#include <map>
#include <string>
#include <unordered_set>
#include <vector>

namespace {

using at::Tensor;
using c10::Device;
using c10::DeviceIndex;
using c10::DispatchKey;
using c10::DispatchKeySet;
using c10::IValue;

constexpr auto CUDA = c10::DeviceType::CUDA;

// ---- counters, and the rules that Python reads from torch's table of operators ----

std::map<std::string, int64_t> counts;              // "aten::mm.out" -> kernels; "sync …", "host to device" -> how often
std::unordered_set<std::string> unchecked, absent;  // operators that accept 0-dim CPU tensors; operators without a CUDA kernel
bool enabled = true;                                // false: no device is counted (but memory stays valid)

std::vector<int64_t> totals = {0, 0, 0};            // kernels, waits, copies to the device

void note(const std::string& what) {
  ++counts[what];
  ++totals[what.rfind("sync", 0) == 0 ? 1 : what == "host to device" ? 2 : 0];
}

DeviceIndex device_count() {
  const char* asked = std::getenv("PRETEND_CUDA_DEVICES");
  return enabled ? static_cast<DeviceIndex>(asked ? std::atoi(asked) : 1) : 0;
}

thread_local DeviceIndex current = 0;

Device place(std::optional<Device> device) {
  auto index = device.has_value() && device->has_index() ? device->index() : current;
  TORCH_CHECK(index < device_count(), "CUDA error: invalid device ordinal");
  return Device(CUDA, index);
}

// ---- memory ----

struct Memory final : c10::Allocator {
  c10::DataPtr allocate(size_t bytes) override {
    void* data = nullptr;
    if (bytes > 0) TORCH_CHECK(posix_memalign(&data, 64, bytes) == 0, "CUDA out of memory. Tried to allocate ", bytes, " bytes");
    return {data, data, &std::free, Device(CUDA, current)};
  }
  c10::DeleterFnPtr raw_deleter() const override { return &std::free; }
  void copy_data(void* to, const void* from, size_t bytes) const override { default_copy_data(to, from, bytes); }
};
Memory memory;
REGISTER_ALLOCATOR(CUDA, &memory)

// ---- the device itself: one stream, on which all work is always finished ----

struct Guard final : c10::impl::DeviceGuardImplInterface {
  c10::DeviceType type() const override { return CUDA; }
  Device exchangeDevice(Device to) const override {
    Device before(CUDA, current);
    setDevice(to);
    return before;
  }
  Device getDevice() const override { return Device(CUDA, current); }
  void setDevice(Device to) const override {
    TORCH_CHECK(to.is_cuda() && to.index() < device_count(), "CUDA error: invalid device ordinal");
    if (to.has_index()) current = to.index();
  }
  void uncheckedSetDevice(Device to) const noexcept override { current = to.has_index() ? to.index() : current; }
  c10::Stream getStream(Device on) const override { return c10::Stream(c10::Stream::DEFAULT, on); }
  c10::Stream getDefaultStream(Device on) const override { return c10::Stream(c10::Stream::DEFAULT, on); }
  c10::Stream getNewStream(Device on, int) const override { return c10::Stream(c10::Stream::DEFAULT, on); }
  c10::Stream exchangeStream(c10::Stream s) const override { return c10::Stream(c10::Stream::DEFAULT, s.device()); }
  DeviceIndex deviceCount() const noexcept override { return device_count(); }
  void record(void**, const c10::Stream&, const DeviceIndex, const c10::EventFlag) const override {}
  void block(void*, const c10::Stream&) const override {}
  bool queryEvent(void*) const override { return true; }
  bool queryStream(const c10::Stream&) const override { return true; }
  void synchronizeStream(const c10::Stream&) const override {}
  void synchronizeEvent(void*) const override {}
  void synchronizeDevice(const DeviceIndex) const override { note("sync device"); }
};
C10_REGISTER_GUARD_IMPL(CUDA, Guard)

// ---- random numbers: as on a GPU, a state of 16 bytes holds a seed and a count of draws ----

struct Draws final : c10::GeneratorImpl {
  uint64_t seed_ = c10::default_rng_seed_val, offset_ = 0;
  explicit Draws(DeviceIndex index) : GeneratorImpl(Device(CUDA, index), DispatchKeySet(DispatchKey::CUDA)) {}
  static c10::DeviceType device_type() { return CUDA; }
  void set_current_seed(uint64_t seed) override { seed_ = seed, offset_ = 0; }
  void set_offset(uint64_t offset) override { offset_ = offset; }
  uint64_t get_offset() const override { return offset_; }
  uint64_t current_seed() const override { return seed_; }
  uint64_t seed() override {
    set_current_seed(c10::detail::getNonDeterministicRandom());
    return seed_;
  }
  void set_state(const c10::TensorImpl& state) override {
    at::detail::check_rng_state(state);
    TORCH_CHECK(state.numel() == 16 || state.numel() == 8, "RNG state is wrong size");
    const auto* words = static_cast<const uint64_t*>(state.data());
    seed_ = words[0], offset_ = state.numel() == 16 ? words[1] : 0;
  }
  c10::intrusive_ptr<c10::TensorImpl> get_state() const override {
    auto state = at::empty({16}, at::kByte);
    auto* words = static_cast<uint64_t*>(state.mutable_data_ptr());
    words[0] = seed_, words[1] = offset_;
    return state.getIntrusivePtr();
  }
  Draws* clone_impl() const override {
    auto* twin = new Draws(device().index());
    twin->seed_ = seed_, twin->offset_ = offset_;
    return twin;
  }
  at::Generator next() {  // a CPU generator for one kernel
    uint64_t mixed = seed_ * 0x9E3779B97F4A7C15ULL + offset_ * 0xBF58476D1CE4E5B9ULL;
    mixed ^= mixed >> 29;
    offset_ += 4;
    return at::detail::createCPUGenerator(mixed * 0x94D049BB133111EBULL);
  }
};

const at::Generator& default_generator(DeviceIndex index) {
  static std::map<DeviceIndex, at::Generator> all;
  index = index < 0 ? current : index;
  auto found = all.find(index);
  return found != all.end() ? found->second : all.emplace(index, at::make_generator<Draws>(index)).first->second;
}

at::Generator for_cpu(const std::optional<at::Generator>& given, Device on) {
  const auto generator = given.has_value() && given->defined() ? *given : default_generator(on.index());
  TORCH_CHECK(generator.device().is_cuda(), "Expected a 'cuda' device type for generator but found '", generator.device().type(), "'");
  return generator.get<Draws>()->next();
}

// ---- hooks ----

struct Hooks final : at::CUDAHooksInterface {
  void init() const override {}
  bool isBuilt() const override { return true; }
  bool isAvailable() const override { return device_count() > 0; }
  bool hasCUDA() const override { return device_count() > 0; }
  bool hasPrimaryContext(DeviceIndex) const override { return true; }
  const at::Generator& getDefaultGenerator(DeviceIndex index) const override { return default_generator(index); }
  at::Generator getNewGenerator(DeviceIndex index) const override { return at::make_generator<Draws>(index < 0 ? current : index); }
  DeviceIndex deviceCount() const override { return device_count(); }
  int getNumGPUs() const override { return device_count(); }
  DeviceIndex current_device() const override { return current; }
  void setCurrentDevice(DeviceIndex index) const override { current = index; }
  DeviceIndex getCurrentDevice() const override { return current; }
  DeviceIndex exchangeDevice(DeviceIndex index) const override { return std::exchange(current, index < 0 ? current : index); }
  DeviceIndex maybeExchangeDevice(DeviceIndex index) const override { return exchangeDevice(index); }
  c10::Allocator* getCUDADeviceAllocator() const override { return &memory; }
  c10::Allocator* getPinnedMemoryAllocator() const override { return c10::GetAllocator(c10::DeviceType::CPU); }
  void deviceSynchronize(DeviceIndex) const override { note("sync device"); }
};

// `import torch` has already made the only object of hooks, and keeps it. So that object gets our table of virtual functions.
const bool hooked = [] {
  static_assert(sizeof(Hooks) == sizeof(void*) && sizeof(at::CUDAHooksInterface) == sizeof(void*), "the object holds nothing but its table of functions");
  static const Hooks ours;
  std::memcpy(const_cast<at::CUDAHooksInterface*>(&at::detail::getCUDAHooks()), &ours, sizeof(void*));
  return true;
}();

// ---- the same memory as a CPU tensor and as a device tensor ----

Tensor lent(const Tensor& t) {  // a CPU tensor on the memory of a device tensor
  if (!t.defined() || !t.is_cuda()) return t;
  auto keep = t.storage();
  return at::from_blob(t.mutable_data_ptr(), t.sizes(), t.strides(), [keep](void*) {}, t.options().device(at::kCPU).requires_grad(false));
}

Tensor on_storage(c10::Storage storage, const Tensor& like, int64_t offset) {
  auto made = at::detail::make_tensor<c10::TensorImpl>(std::move(storage), DispatchKeySet(DispatchKey::CUDA), like.dtype());
  made.unsafeGetTensorImpl()->set_sizes_and_strides(like.sizes(), like.strides(), offset);
  return made;
}

c10::Storage device_storage(const Tensor& cpu, Device on) {
  auto* keep = new Tensor(cpu);
  c10::DataPtr data(cpu.storage().mutable_data(), keep, [](void* p) { delete static_cast<Tensor*>(p); }, on);
  return c10::Storage(c10::Storage::use_byte_size_t(), cpu.storage().nbytes(), std::move(data), &memory, true);
}

// ---- what a GPU refuses ----

std::string name_of(const c10::OperatorHandle& op) {
  const auto& name = op.schema().operator_name();
  return name.overload_name.empty() ? name.name : name.name + "." + name.overload_name;
}

bool starts(const std::string& text, const char* with) { return text.rfind(with, 0) == 0; }

void check_devices(const std::string& name, const c10::FunctionSchema& schema, c10::ArrayRef<IValue> args, Device on) {
  const bool indexing = starts(name, "aten::index.") || starts(name, "aten::_index_put_impl_") || starts(name, "aten::index_put") ||
      starts(name, "aten::_unsafe_index");
  const bool scalars = unchecked.count(name.substr(6)) > 0;
  auto check = [&](const Tensor& t, const std::string& argument) {
    if (!t.defined() || t.device() == on || (scalars && t.is_cpu() && t.dim() == 0)) return;
    TORCH_CHECK(false, "Expected all tensors to be on the same device, but got ", argument, " is on ", t.device(),
                ", different from other tensors on ", on, " (when checking argument in method wrapper_CUDA_", name.substr(6), ")");
  };
  for (size_t i = 0; i < args.size(); ++i) {
    const auto& argument = schema.arguments()[i].name();
    if (indexing && argument == "indices") {
      TORCH_CHECK(args[0].toTensor().is_cuda(), "indices should be either on cpu or on the same device as the indexed tensor (cpu)");
      continue;
    }
    if (args[i].isTensor()) check(args[i].toTensor(), argument);
    else if (args[i].isTensorList()) for (const Tensor& t : args[i].toTensorVector()) check(t, argument);
    else if (args[i].isOptionalTensorList()) for (const auto& t : args[i].toOptionalTensorVector()) if (t) check(*t, argument);
  }
}

void check_types(const std::string& name, c10::ArrayRef<IValue> args) {
  static const std::unordered_set<std::string> products = {"mm", "addmm", "bmm", "baddbmm", "mv", "addmv", "addmv_", "dot", "vdot", "addr"};
  const auto plain = name.substr(6, name.find('.') - 6);
  if (products.count(plain) && args[0].isTensor() && at::isIntegralType(args[0].toTensor().scalar_type(), true))
    TORCH_CHECK_NOT_IMPLEMENTED(false, "\"", plain, "_cuda\" not implemented for '", args[0].toTensor().scalar_type(), "'");
}

const char* waits(const std::string& name) {  // kernels after which the host waits to know a size or a value
  static const std::unordered_set<std::string> known = {"nonzero", "masked_select", "bincount", "_unique2", "unique_dim", "equal",
    "unique_consecutive", "repeat_interleave", "linalg_eigh", "linalg_lstsq", "_linalg_svd", "linalg_eig", "linalg_qr"};
  return known.count(name.substr(6, name.find('.') - 6)) ? "sync" : nullptr;
}

// ---- every operator ----

Device target(c10::ArrayRef<IValue> args) {
  for (const IValue& v : args) {
    if (v.isTensor() && v.toTensor().defined() && v.toTensor().is_cuda()) return v.toTensor().device();
    if (v.isTensorList()) for (const Tensor& t : v.toTensorVector()) if (t.defined() && t.is_cuda()) return t.device();
    if (v.isOptionalTensorList()) for (const auto& t : v.toOptionalTensorVector()) if (t && t->defined() && t->is_cuda()) return t->device();
  }
  for (const IValue& v : args) if (v.isDevice() && v.toDevice().is_cuda()) return place(v.toDevice());
  return Device(CUDA, current);
}

IValue to_cpu(const IValue& v, const c10::Argument& argument, Device on, bool scratch) {
  if (v.isTensor()) {
    const auto& t = v.toTensor();
    const bool written = argument.alias_info() != nullptr && argument.alias_info()->isWrite();
    if (written && t.defined() && scratch) return at::empty({0}, t.options().device(at::kCPU));
    if (written && t.defined() && t.numel() == 0) return at::empty(t.sizes(), t.options().device(at::kCPU));  // it may grow
    return lent(t);
  }
  if (v.isTensorList()) {
    c10::List<Tensor> out;
    for (const Tensor& t : v.toTensorVector()) out.push_back(lent(t));
    return out;
  }
  if (v.isOptionalTensorList()) {
    c10::List<std::optional<Tensor>> out;
    for (const auto& t : v.toOptionalTensorVector()) out.push_back(t ? std::optional<Tensor>(lent(*t)) : std::nullopt);
    return out;
  }
  if (v.isDevice() && v.toDevice().is_cuda()) return Device(at::kCPU);
  if (argument.name() == "generator") return for_cpu(v.isNone() ? std::nullopt : std::optional<at::Generator>(v.toGenerator()), on);
  return v;
}

Tensor rounded(const Tensor& t) {  // TF32, a mantissa of 10 bits: cuDNN's convolutions use it on Ampere and later unless allow_tf32 is off
  auto copy = t.clone();
  copy.view(at::kInt).add_(0x1000).bitwise_and_(~0x1fff);
  return copy;
}

Tensor to_device(const Tensor& result, Device on, c10::ArrayRef<IValue> given, c10::ArrayRef<IValue> used) {
  if (!result.defined() || !result.is_cpu()) return result;
  for (size_t i = 0; i < used.size(); ++i) {  // a view of an argument stays a view
    if (!used[i].isTensor() || !used[i].toTensor().defined() || !used[i].toTensor().has_storage()) continue;
    const auto &from = used[i].toTensor(), &original = given[i].toTensor();
    if (from.storage().unsafeGetStorageImpl() != result.storage().unsafeGetStorageImpl() || !original.is_cuda()) continue;
    const auto ahead = static_cast<const char*>(result.const_data_ptr()) - static_cast<const char*>(original.storage().data());
    return on_storage(original.storage(), result, ahead / static_cast<int64_t>(result.itemsize()));
  }
  return on_storage(device_storage(result, on), result, result.storage_offset());
}

void fallback(const c10::OperatorHandle& op, torch::jit::Stack* stack) {
  const auto& schema = op.schema();
  const auto name = name_of(op);
  const auto size = schema.arguments().size();
  const std::vector<IValue> given(stack->end() - static_cast<std::ptrdiff_t>(size), stack->end());
  const auto on = target(given);
  if (starts(name, "aten::")) {
    TORCH_CHECK_NOT_IMPLEMENTED(absent.count(name.substr(6)) == 0, "Could not run '", name, "' with arguments from the '",
                                "CUDA", "' backend");
    check_devices(name, schema, given, on);
    check_types(name, given);
  }
  note(name);
  if (waits(name)) note("sync " + name);
  const bool scratch = name == "aten::mse_loss.out" || name == "aten::smooth_l1_loss.out";  // these write all values first, then their mean
  std::vector<IValue> used;
  for (size_t i = 0; i < size; ++i) used.push_back(to_cpu(given[i], schema.arguments()[i], on, scratch));
  if (starts(name, "aten::convolution") && at::globalContext().allowTF32CuDNN(at::Float32Op::CONV)) {
    for (auto& v : used) if (v.isTensor() && v.toTensor().defined() && v.toTensor().scalar_type() == at::kFloat) v = rounded(v.toTensor());
  }
  torch::jit::drop(*stack, size);
  for (const auto& v : used) stack->push_back(v);
  {
    at::AutoDispatchBelowADInplaceOrView below;
    c10::impl::ExcludeDispatchKeyGuard no_autocast(DispatchKey::AutocastCPU);
    op.redispatchBoxed(DispatchKeySet(DispatchKey::CPU), stack);
  }
  for (size_t i = 0; i < size; ++i) {  // an output that grew gets the new memory
    const auto* alias = schema.arguments()[i].alias_info();
    if (alias == nullptr || !alias->isWrite() || !given[i].isTensor() || !given[i].toTensor().is_cuda()) continue;
    const auto &cpu = used[i].toTensor(), &device = given[i].toTensor();
    if (cpu.sizes() == device.sizes() && cpu.const_data_ptr() == device.const_data_ptr()) continue;
    device.unsafeGetTensorImpl()->set_storage_keep_dtype(device_storage(cpu, on));
    device.unsafeGetTensorImpl()->set_sizes_and_strides(cpu.sizes(), cpu.strides(), cpu.storage_offset());
  }
  const auto returned = schema.returns().size();
  for (size_t k = 0; k < returned; ++k) {
    auto& v = (*stack)[stack->size() - returned + k];
    const auto* alias = schema.returns()[k].alias_info();
    if (alias != nullptr && alias->isWrite()) {
      for (size_t i = 0; i < size; ++i) {
        const auto* own = schema.arguments()[i].alias_info();
        if (own != nullptr && own->beforeSets() == alias->beforeSets()) v = given[i];
      }
    } else if (v.isTensor()) {
      v = to_device(v.toTensor(), on, given, used);
    } else if (v.isTensorList()) {
      c10::List<Tensor> out;
      for (const Tensor& t : v.toTensorVector()) out.push_back(to_device(t, on, given, used));
      v = out;
    }
  }
}

// ---- operators that compute nothing ----

Tensor empty(c10::IntArrayRef size, std::optional<at::ScalarType> type, std::optional<at::Layout>, std::optional<Device> device,
             std::optional<bool> pinned, std::optional<at::MemoryFormat> format) {
  TORCH_CHECK(!c10::pinned_memory_or_default(pinned), "Only dense CPU tensors can be pinned");
  const c10::DeviceGuard guard(place(device));
  return at::detail::empty_generic(size, &memory, DispatchKeySet(DispatchKey::CUDA), c10::dtype_or_default(type), format);
}

Tensor empty_strided(c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<at::ScalarType> type, std::optional<at::Layout>,
                     std::optional<Device> device, std::optional<bool>) {
  const c10::DeviceGuard guard(place(device));
  return at::detail::empty_strided_generic(size, stride, &memory, DispatchKeySet(DispatchKey::CUDA), c10::dtype_or_default(type));
}

Tensor& copy_(Tensor& to, const Tensor& from, bool non_blocking) {
  note(to.is_cpu() ? "sync device to host" : from.is_cpu() ? "host to device" : "aten::copy_");
  lent(to).copy_(lent(from), non_blocking);
  return to;
}

at::Scalar item(const Tensor& t) {
  note("sync aten::_local_scalar_dense");
  return lent(t).item();
}

Tensor as_strided(const Tensor& t, c10::IntArrayRef size, c10::IntArrayRef stride, std::optional<int64_t> offset) {
  return at::native::as_strided_tensorimpl(t, size, stride, offset);
}

const Tensor& resize_(const Tensor& t, c10::IntArrayRef size, std::optional<at::MemoryFormat> format) {
  return at::native::resize_(t, size, format);
}

Tensor& set_source(Tensor& t, c10::Storage source) { return at::native::set_(t, source); }

Tensor& set_storage(Tensor& t, c10::Storage source, int64_t offset, c10::IntArrayRef size, c10::IntArrayRef stride) {
  auto* impl = t.unsafeGetTensorImpl();
  impl->set_storage_keep_dtype(std::move(source));
  impl->set_storage_offset(offset);
  if (stride.size() == size.size()) impl->set_sizes_and_strides(size, stride);
  else impl->set_sizes_contiguous(size);  // no strides were given
  return t;
}

Tensor& set_tensor(Tensor& t, const Tensor& source) { return set_storage(t, source.storage(), source.storage_offset(), source.sizes(), source.strides()); }

std::tuple<Tensor, Tensor> dropout(const Tensor& x, double p, std::optional<bool> train) {
  if (!train.value_or(true)) return {x.clone(), at::ones_like(x, x.options().dtype(at::kBool))};
  auto kept = at::empty_like(x, x.options().dtype(at::kBool)).bernoulli_(1 - p);  // drawn from the device's own generator
  return {x * kept * (p < 1 ? 1 / (1 - p) : 0.0), kept};
}

std::vector<Tensor> sums(const Tensor& a, const Tensor& b, const std::optional<Tensor>& c, const std::optional<Tensor>& d, int64_t n) {
  auto total = a + b;
  if (c && c->defined()) total = total + *c + *d;
  return total.chunk(n, -1);
}

// A GPU has fused kernels for these cells, a CPU build has none. Here they are differentiable operators, registered above autograd.
std::tuple<Tensor, Tensor, Tensor> lstm_cell(const Tensor& from_x, const Tensor& from_h, const Tensor& c, const std::optional<Tensor>& b_x,
                                             const std::optional<Tensor>& b_h) {
  auto gates = sums(from_x, from_h, b_x, b_h, 4);
  auto memory = gates[1].sigmoid() * c + gates[0].sigmoid() * gates[2].tanh();
  return {gates[3].sigmoid() * memory.tanh(), memory, at::cat(gates, -1)};
}

std::tuple<Tensor, Tensor> gru_cell(const Tensor& from_x, const Tensor& from_h, const Tensor& h, const std::optional<Tensor>& b_x,
                                    const std::optional<Tensor>& b_h) {
  auto x = (b_x && b_x->defined() ? from_x + *b_x : from_x).chunk(3, -1);
  auto s = (b_h && b_h->defined() ? from_h + *b_h : from_h).chunk(3, -1);
  auto reset = (x[0] + s[0]).sigmoid(), update = (x[1] + s[1]).sigmoid();
  auto candidate = (x[2] + reset * s[2]).tanh();
  return {candidate + update * (h - candidate), at::cat({reset, update, candidate}, -1)};
}

}  // namespace

TORCH_LIBRARY_IMPL(_, CUDA, m) { m.fallback(torch::CppFunction::makeFromBoxedFunction<&fallback>()); }

TORCH_LIBRARY_IMPL(aten, CUDA, m) {
  m.impl("empty.memory_format", empty);
  m.impl("empty_strided", empty_strided);
  m.impl("copy_", copy_);
  m.impl("_local_scalar_dense", item);
  m.impl("as_strided", as_strided);
  m.impl("view", TORCH_FN(at::native::view));
  m.impl("unfold", TORCH_FN(at::native::unfold));
  m.impl("_reshape_alias", TORCH_FN(at::native::_reshape_alias));
  m.impl("resize_", resize_);
  m.impl("set_.source_Storage", set_source);
  m.impl("set_.source_Storage_storage_offset", set_storage);
  m.impl("set_.source_Tensor", set_tensor);
  m.impl("native_dropout", dropout);
  for (const char* whole : {"convolution", "convolution_backward"})  // else torch would call CUDA's own kernels
    m.impl(whole, torch::CppFunction::makeFromBoxedFunction<&fallback>());
}

TORCH_LIBRARY_IMPL(aten, AutogradCUDA, m) {
  m.impl("_thnn_fused_lstm_cell", lstm_cell);
  m.impl("_thnn_fused_gru_cell", gru_cell);
}

TORCH_LIBRARY(pretend_cuda, m) {
  m.def("counts() -> Dict(str, int)", []() {
    c10::Dict<std::string, int64_t> out;
    for (const auto& [name, many] : counts) out.insert(name, many);
    return out;
  });
  m.def("totals() -> int[]", []() { return totals; });
  m.def("reset() -> ()", []() {
    counts.clear();
    totals = {0, 0, 0};
  });
  m.def("enable(bool on) -> ()", [](bool on) { enabled = on; });
  m.def("device_count() -> int", []() -> int64_t { return device_count(); });
  m.def("current_device() -> int", []() -> int64_t { return current; });
  m.def("set_device(int index) -> ()", [](int64_t index) { current = static_cast<DeviceIndex>(index); });
  m.def("default_generator(int index) -> Generator?", [](int64_t index) { return default_generator(static_cast<DeviceIndex>(index)); });
  m.def("rules(str[] unchecked, str[] absent) -> ()", [](const c10::List<std::string>& free, const c10::List<std::string>& none) {
    for (const std::string name : free) unchecked.insert(name);
    for (const std::string name : none) absent.insert(name);
  });
}
