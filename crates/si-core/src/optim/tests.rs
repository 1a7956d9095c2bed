//! An optimizer with everything in one pass gives the same result as Burn's own with a separate pass for each:
//! exactly the same numbers if the device compiles fused and separate operations alike.

use burn::backend::Dispatch;
use burn::grad_clipping::GradientClippingConfig;
use burn::module::{Module, Param, ParamGroup};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdamConfig, AdamWConfig, GradientsParams, ModuleOptimizer, Optimizer, RecordState, SgdConfig,
    StateSink, StateSource,
};
use burn::tensor::{DType, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::{
    ContinualOptimizer, SynapticAdamConfig, SynapticAdamWConfig, SynapticOptimizer,
    SynapticSgdConfig, SynapticSgdState,
};
use crate::ops::SynapticBackend;
use crate::settings::{FirstTaskStart, PathGradient, StatePrecision};
use crate::test_device::{assert_same, device, device_with};
use crate::{ContinualLearner, ParameterPolicy, SynapticIntelligenceConfig};

const LEARNING_RATE: f64 = 0.05;

/// Two layers. Their sizes are on both sides of a register and of a block. The second may go unused.
#[derive(Module, Debug)]
struct Model {
    inner: Param<Tensor<2>>,
    shift: Param<Tensor<1>>,
    outer: Param<Tensor<2>>,
}

impl Model {
    fn new() -> Self {
        let rng = &mut ChaCha8Rng::seed_from_u64(1);
        Self {
            inner: Param::from_tensor(random(rng, [13, 117])),
            shift: Param::from_tensor(random(rng, [117])),
            outer: Param::from_tensor(random(rng, [117, 3])),
        }
    }

    fn loss(&self, step: usize) -> Tensor<1> {
        let rng = &mut ChaCha8Rng::seed_from_u64(step as u64);
        let hidden =
            random::<2>(rng, [4, 13]).matmul(self.inner.val()) + self.shift.val().unsqueeze();
        // In some steps the second layer is unused, and its parameter has no gradient.
        let output = if step % 5 == 4 {
            hidden.slice([0..4, 0..3])
        } else {
            hidden.tanh().matmul(self.outer.val())
        };
        (output - random(rng, [4, 3])).square().mean()
    }
}

fn random<const D: usize>(rng: &mut ChaCha8Rng, shape: [usize; D]) -> Tensor<D> {
    let values: Vec<f32> = (0..shape.iter().product())
        .map(|_| rng.random_range(-0.5..0.5))
        .collect();
    Tensor::from_data(TensorData::new(values, shape), &device().autodiff())
}

/// Parameters, synapses and penalties at the end of each of three tasks.
fn learn(optimizer: &mut impl ContinualOptimizer, config: &SynapticIntelligenceConfig) -> Vec<f32> {
    let mut learner = ContinualLearner::new(Model::new(), config).expect("the config is valid");
    let mut numbers = Vec::new();
    for task in 0..3 {
        for step in 0..7 {
            let loss = learner.loss(10 * task + step);
            let grads = GradientsParams::from_grads(loss.backward(), &learner);
            learner = learner.optimize(optimizer, LEARNING_RATE, grads);
        }
        numbers.extend(state(&learner));
        let penalty = learner.end_epoch().penalty;
        numbers.push(penalty as f32);
        assert_eq!(penalty > 0.0, task > 0 && config.strength > 0.0);
        learner.end_task();
    }
    numbers
}

fn state(learner: &ContinualLearner<Model>) -> Vec<f32> {
    let mut numbers: Vec<f32> = Vec::new();
    let mut push = |data: TensorData| numbers.extend(data.iter::<f32>());
    push(learner.inner.val().into_data());
    push(learner.shift.val().into_data());
    push(learner.outer.val().into_data());
    for synapse in learner.regularizer().synapses() {
        let tensors = [
            synapse.path_integral_primitive(),
            synapse.importance_primitive(),
        ];
        for tensor in tensors.into_iter().flatten().cloned() {
            match synapse.shape().num_dims() {
                1 => push(Dispatch::tensor::<1>(tensor).into_data()),
                _ => push(Dispatch::tensor::<2>(tensor).into_data()),
            }
        }
    }
    numbers
}

fn settings() -> [SynapticIntelligenceConfig; 6] {
    let config = SynapticIntelligenceConfig::new().with_damping(0.01);
    [
        config.clone(),
        config.clone().with_strength(0.0),
        config.clone().with_path_gradient(PathGradient::Total),
        config
            .clone()
            .with_importance_bound(Some(0.02))
            .with_first_task_start(FirstTaskStart::Zero),
        config
            .clone()
            .with_state_precision(if device().supports_dtype(DType::BF16) {
                StatePrecision::Bf16
            } else {
                StatePrecision::Full
            }),
        config.with_policies(vec![
            ParameterPolicy::path("*").exclude(),
            ParameterPolicy::path("inner").include(),
        ]),
    ]
}

#[test]
fn adam_in_one_pass_equals_burns_adam_in_three() {
    let decay = WeightDecayConfig::new(0.01);
    let clipping = GradientClippingConfig::Norm(0.01);
    for (fused, plain) in [
        (SynapticAdamConfig::new(), AdamConfig::new()),
        (
            SynapticAdamConfig::new()
                .with_beta_1(0.8)
                .with_beta_2(0.99)
                .with_epsilon(1e-8)
                .with_weight_decay(Some(decay.clone())),
            AdamConfig::new()
                .with_beta_1(0.8)
                .with_beta_2(0.99)
                .with_epsilon(1e-8)
                .with_weight_decay(Some(decay)),
        ),
        (
            SynapticAdamConfig::new().with_grad_clipping(Some(clipping.clone())),
            AdamConfig::new().with_grad_clipping(Some(clipping)),
        ),
    ] {
        let clipping = fused.grad_clipping.clone();
        let separate = || separate_passes(plain.build(), clipping.clone());
        let within_burn = || within_burn(fused.build(), clipping.clone());
        assert_equal_in_each_setting(plain.init(), fused.init(), separate, within_burn);
    }
}

#[test]
fn adamw_in_one_pass_equals_burns_adamw_in_three() {
    let clipping = GradientClippingConfig::Norm(0.01);
    for (fused, plain) in [
        (SynapticAdamWConfig::new(), AdamWConfig::new()),
        (
            SynapticAdamWConfig::new()
                .with_beta_1(0.8)
                .with_beta_2(0.99)
                .with_epsilon(1e-8)
                .with_weight_decay(0.5),
            AdamWConfig::new()
                .with_beta_1(0.8)
                .with_beta_2(0.99)
                .with_epsilon(1e-8)
                .with_weight_decay(0.5),
        ),
        (
            SynapticAdamWConfig::new().with_weight_decay(0.0),
            AdamWConfig::new().with_weight_decay(0.0),
        ),
        (
            SynapticAdamWConfig::new().with_grad_clipping(Some(clipping.clone())),
            AdamWConfig::new().with_grad_clipping(Some(clipping)),
        ),
    ] {
        let clipping = fused.grad_clipping.clone();
        let separate = || separate_passes(plain.build(), clipping.clone());
        let within_burn = || within_burn(fused.build(), clipping.clone());
        assert_equal_in_each_setting(plain.init(), fused.init(), separate, within_burn);
    }
}

/// Algorithm 2 of Loshchilov and Hutter (2019), in plain numbers.
#[test]
fn adamw_in_double_precision_follows_its_paper() {
    let (beta_1, beta_2, epsilon, decay) = (0.8_f32, 0.99_f32, 1e-3_f32, 0.3_f32);
    let adamw = SynapticAdamWConfig::new()
        .with_beta_1(beta_1)
        .with_beta_2(beta_2)
        .with_epsilon(epsilon)
        .with_weight_decay(decay)
        .build();
    let [beta_1, beta_2, epsilon, decay] = [beta_1, beta_2, epsilon, decay].map(f64::from);
    let device = device_with(DType::F64);
    let tensor =
        |value: f64| Tensor::<1>::from_data(TensorData::from([value]), (&device, DType::F64));
    let (mut parameter, mut state) = (tensor(0.7), None);
    let (mut expected, mut moment_1, mut moment_2) = (0.7, 0.0, 0.0);
    for (step, gradient) in [0.4, -0.3, 0.0, 0.9].into_iter().enumerate() {
        (parameter, state) = adamw.step(LEARNING_RATE, parameter, tensor(gradient), state);
        let time = step as i32 + 1;
        moment_1 = beta_1 * moment_1 + (1.0 - beta_1) * gradient;
        moment_2 = beta_2 * moment_2 + (1.0 - beta_2) * gradient * gradient;
        let moment_1 = moment_1 / (1.0 - beta_1.powi(time));
        let moment_2: f64 = moment_2 / (1.0 - beta_2.powi(time));
        let direction = moment_1 / (moment_2.sqrt() + epsilon);
        expected -= LEARNING_RATE * (direction + decay * expected);
        let found: f64 = parameter.clone().into_scalar();
        // The corrections are computed in single precision, as Burn does.
        assert!(
            (found - expected).abs() < 1e-6,
            "{found} is not {expected} after step {time}"
        );
    }
}

#[test]
fn sgd_in_one_pass_equals_burns_sgd_in_three() {
    let momentum = MomentumConfig::new();
    let nesterov = MomentumConfig::new()
        .with_momentum(0.7)
        .with_dampening(0.0)
        .with_nesterov(true);
    for momentum in [None, Some(momentum), Some(nesterov)] {
        let decay = momentum.is_some().then(|| WeightDecayConfig::new(0.01));
        let fused = SynapticSgdConfig::new()
            .with_momentum(momentum.clone())
            .with_weight_decay(decay.clone());
        let plain = SgdConfig::new()
            .with_momentum(momentum)
            .with_weight_decay(decay);
        let separate = || separate_passes(plain.build(), None);
        let within_burn = || within_burn(fused.build(), None);
        assert_equal_in_each_setting(plain.init(), fused.init(), separate, within_burn);
    }
}

#[track_caller]
fn assert_equal_in_each_setting(
    plain: ModuleOptimizer,
    fused: SynapticOptimizer,
    separate: impl Fn() -> SynapticOptimizer,
    within_burn: impl Fn() -> ModuleOptimizer,
) {
    for config in settings() {
        let expected = learn(&mut plain.clone(), &config);
        assert_same(&learn(&mut fused.clone(), &config), &expected);
        assert_same(&learn(&mut separate(), &config), &expected);
        assert_same(&learn(&mut within_burn(), &config), &expected);
    }
}

/// A `SynapticOptimizer` with an optimizer that does not include the synapses in its pass.
fn separate_passes(
    optimizer: impl Optimizer,
    clipping: Option<GradientClippingConfig>,
) -> SynapticOptimizer {
    let optimizer = SynapticOptimizer::from(optimizer);
    match clipping {
        Some(clipping) => optimizer.with_grad_clipping(clipping.init()),
        None => optimizer,
    }
}

fn within_burn(
    optimizer: impl Optimizer,
    clipping: Option<GradientClippingConfig>,
) -> ModuleOptimizer {
    let optimizer = ModuleOptimizer::from(optimizer);
    match clipping {
        Some(clipping) => optimizer.with_grad_clipping(clipping.init()),
        None => optimizer,
    }
}

#[test]
fn optimizers_without_a_learner_equal_burns_own() {
    let trained = |step: &mut dyn FnMut(Model, GradientsParams) -> Model| {
        let mut model = Model::new();
        for index in 0..7 {
            let grads = GradientsParams::from_grads(model.loss(index).backward(), &model);
            model = step(model, grads);
        }
        numbers_of(&model)
    };
    let by_burn = |mut optimizer: ModuleOptimizer| {
        trained(&mut |model, grads| optimizer.step(LEARNING_RATE, model, grads))
    };
    let by_ours = |mut optimizer: SynapticOptimizer| {
        trained(&mut |model, grads| optimizer.step(LEARNING_RATE, model, grads))
    };
    let (fused, plain) = (SynapticAdamConfig::new(), AdamConfig::new());
    let expected = by_burn(plain.init());
    assert_same(&by_ours(fused.init()), &expected);
    assert_same(&by_ours(plain.build().into()), &expected);
    assert_same(&by_burn(fused.build().into()), &expected);
    let (fused, plain) = (SynapticAdamWConfig::new(), AdamWConfig::new());
    let expected = by_burn(plain.init());
    assert_same(&by_ours(fused.init()), &expected);
    assert_same(&by_ours(plain.build().into()), &expected);
    assert_same(&by_burn(fused.build().into()), &expected);
    let (fused, plain) = (SynapticSgdConfig::new(), SgdConfig::new());
    let expected = by_burn(plain.init());
    assert_same(&by_ours(fused.init()), &expected);
    assert_same(&by_ours(plain.build().into()), &expected);
    assert_same(&by_burn(fused.build().into()), &expected);
}

fn numbers_of(model: &Model) -> Vec<f32> {
    let [inner, outer] = [&model.inner, &model.outer].map(|it| it.val().into_data());
    let shift = model.shift.val().into_data();
    let tensors = [inner, shift, outer];
    tensors.iter().flat_map(|data| data.iter::<f32>()).collect()
}

#[test]
fn groups_are_updated_as_by_burn() {
    let shift = || ParamGroup::from_predicate("shift");
    let rest = || ParamGroup::from_predicate("er").exclude(ParamGroup::from_predicate("outer"));
    let clipping = || Some(GradientClippingConfig::Value(0.01).init());
    let (adam, sgd) = (AdamConfig::new(), SgdConfig::new());
    let decay = AdamWConfig::new().with_weight_decay(0.1);
    for config in settings() {
        let mut plain = ModuleOptimizer::from(adam.build())
            .with_group(shift(), sgd.build(), clipping())
            .with_group(rest(), decay.build(), None);
        let fused = (SynapticAdamConfig::new().init())
            .with_group(shift(), SynapticSgdConfig::new().build(), clipping())
            .with_group(rest(), decay.build(), None);
        let expected = learn(&mut plain, &config);
        assert_same(&learn(&mut fused.clone(), &config), &expected);
        // The same after each has loaded its record.
        let record = fused.to_record();
        assert_same(&learn(&mut fused.load_record(record), &config), &expected);
    }
}

#[test]
fn a_new_group_starts_over() {
    let config = SynapticIntelligenceConfig::new();
    let model = Model::new();
    let first_steps = |mut optimizer: SynapticOptimizer, num_steps: usize| {
        let mut learner = ContinualLearner::new(model.clone(), &config).expect("it is valid");
        for step in 0..num_steps {
            let grads = GradientsParams::from_grads(learner.loss(step).backward(), &learner);
            learner = learner.optimize(&mut optimizer, LEARNING_RATE, grads);
        }
        optimizer
    };
    let used = first_steps(SynapticAdamConfig::new().init(), 3);
    let ids = |optimizer: &SynapticOptimizer| optimizer.states.len();
    assert_eq!(ids(&used), 3);
    let inner = ParamGroup::from_predicate("inner");
    let grouped = used.with_group(inner, SynapticSgdConfig::new().build(), None);
    assert_eq!(ids(&grouped), 2);
    assert_eq!(ids(&first_steps(grouped, 1)), 3);
}

#[test]
fn records_can_be_exchanged_with_burns_own() {
    /// A model after seven steps. `first` takes the first three steps; `later` loads its record and takes the others.
    fn change(mut first: impl ContinualOptimizer, later: impl ContinualOptimizer) -> Vec<f32> {
        let config = SynapticIntelligenceConfig::new();
        let mut learner = ContinualLearner::new(Model::new(), &config).expect("it is valid");
        for step in 0..3 {
            let grads = GradientsParams::from_grads(learner.loss(step).backward(), &learner);
            learner = learner.optimize(&mut first, LEARNING_RATE, grads);
        }
        let mut later = later.load_record(first.to_record());
        for step in 3..7 {
            let grads = GradientsParams::from_grads(learner.loss(step).backward(), &learner);
            learner = learner.optimize(&mut later, LEARNING_RATE, grads);
        }
        numbers_of(&learner)
    }
    fn assert_exchangeable(
        fused: SynapticOptimizer,
        plain: ModuleOptimizer,
        separate: SynapticOptimizer,
    ) {
        let expected = change(plain.clone(), plain.clone());
        assert_same(&change(plain.clone(), fused.clone()), &expected);
        assert_same(&change(fused.clone(), plain.clone()), &expected);
        assert_same(&change(fused.clone(), fused.clone()), &expected);
        assert_same(&change(plain, separate.clone()), &expected);
        assert_same(&change(separate, fused), &expected);
    }
    let (fused, plain) = (SynapticAdamConfig::new(), AdamConfig::new());
    assert_exchangeable(fused.init(), plain.init(), plain.build().into());
    let (fused, plain) = (SynapticAdamWConfig::new(), AdamWConfig::new());
    assert_exchangeable(fused.init(), plain.init(), plain.build().into());
    let momentum = Some(MomentumConfig::new());
    let fused = SynapticSgdConfig::new().with_momentum(momentum.clone());
    let plain = SgdConfig::new().with_momentum(momentum);
    assert_exchangeable(fused.init(), plain.init(), plain.build().into());
}

#[test]
fn a_file_of_an_optimizer_is_read_by_burn_and_by_us() {
    let folder = tempfile::tempdir().expect("a folder");
    let [ours, burns] = ["ours", "burns"].map(|name| folder.path().join(name));
    let config = SynapticIntelligenceConfig::new();
    let mut fused = SynapticAdamConfig::new().init();
    let mut plain = AdamConfig::new().init();
    learn(&mut fused, &config);
    learn(&mut plain, &config);
    fused.save(&ours).expect("it can be written");
    plain.save(&burns).expect("it can be written");
    let next = |optimizer: &mut dyn FnMut(Model, GradientsParams) -> Model| {
        let model = Model::new();
        let grads = GradientsParams::from_grads(model.loss(0).backward(), &model);
        numbers_of(&optimizer(model, grads))
    };
    let read = |path| (SynapticAdamConfig::new().init().load(path)).expect("it can be read");
    let mut ours_by_us = read(&ours);
    let mut burns_by_us = read(&burns);
    let mut ours_by_burn = (AdamConfig::new().init().load(&ours)).expect("it can be read");
    let expected = next(&mut |model, grads| plain.step(LEARNING_RATE, model, grads));
    let ours_by_us = next(&mut |model, grads| ours_by_us.step(LEARNING_RATE, model, grads));
    let burns_by_us = next(&mut |model, grads| burns_by_us.step(LEARNING_RATE, model, grads));
    let ours_by_burn = next(&mut |model, grads| ours_by_burn.step(LEARNING_RATE, model, grads));
    for found in [ours_by_us, burns_by_us, ours_by_burn] {
        assert_same(&found, &expected);
    }
}

/// In training across devices, the gradients of all workers are on one device.
#[cfg(all(feature = "flex", feature = "ndarray"))]
#[expect(deprecated, reason = "it is the other backend that is always there")]
#[test]
fn a_parameter_moves_to_the_device_of_its_gradient() {
    use burn::tensor::Device;

    fn moved(optimizer: &mut impl ContinualOptimizer) -> Vec<f32> {
        let (here, there) = (Device::flex(), Device::ndarray());
        let config = SynapticIntelligenceConfig::new();
        let model = Model::new().fork(&here.clone().autodiff());
        let mut learner = ContinualLearner::new(model, &config).expect("it is valid");
        for step in 0..4 {
            let mut grads = GradientsParams::new();
            for (id, shape) in [(learner.inner.id, [13, 117]), (learner.outer.id, [117, 3])] {
                let place = if step < 2 { &here } else { &there };
                grads.register::<2>(id, Tensor::full(shape, 0.1 + step as f32, place));
            }
            learner = learner.optimize(optimizer, LEARNING_RATE, grads);
        }
        assert_eq!(learner.inner.val().inner().device(), there);
        state(&learner)
    }
    let expected = moved(&mut AdamConfig::new().init());
    assert_close(&moved(&mut SynapticAdamConfig::new().init()), &expected);
    let mut separate = SynapticOptimizer::from(AdamConfig::new().build());
    assert_close(&moved(&mut separate), &expected);
}

/// One of the devices has other kernels, which may round otherwise.
#[cfg(all(feature = "flex", feature = "ndarray"))]
fn assert_close(found: &[f32], expected: &[f32]) {
    assert_eq!(found.len(), expected.len());
    for (found, expected) in found.iter().zip(expected) {
        assert!((found - expected).abs() <= 1e-5 * expected.abs().max(1e-2));
    }
}

#[test]
fn only_our_optimizers_without_clipping_are_fused() {
    let clipping = Some(GradientClippingConfig::Norm(1.0));
    let adam = SynapticAdamConfig::new();
    let adamw = SynapticAdamWConfig::new();
    let sgd = SynapticSgdConfig::new();
    let shift = ParamGroup::from_predicate("shift");
    for (optimizer, is_fused) in [
        (adam.init(), true),
        (adam.build().into(), true),
        (adamw.init(), true),
        (adamw.build().into(), true),
        (sgd.init(), true),
        (sgd.build().into(), true),
        (
            adam.init().with_group(shift.clone(), sgd.build(), None),
            true,
        ),
        (
            adam.init()
                .with_group(shift, SgdConfig::new().build(), None),
            false,
        ),
        (adam.with_grad_clipping(clipping.clone()).init(), false),
        (adamw.with_grad_clipping(clipping.clone()).init(), false),
        (sgd.with_grad_clipping(clipping).init(), false),
        (AdamConfig::new().build().into(), false),
    ] {
        let record = optimizer.to_record();
        let loaded = optimizer.clone().load_record(record);
        assert_eq!([optimizer, loaded].map(|it| it.is_fused()), [is_fused; 2]);
    }
}

#[test]
fn double_precision_survives_a_record() {
    let device = device_with(DType::F64);
    let tensor =
        |value: f64| Tensor::<1>::from_data(TensorData::from([value]), (&device, DType::F64));
    let sgd = SynapticSgdConfig::new().with_momentum(Some(MomentumConfig::new()));
    let (_, state) = sgd.build().step(0.1, tensor(1.0), tensor(1.0 / 3.0), None);
    let state = state.expect("momentum has a state");
    let mut sink = StateSink::default();
    state.state_flatten("1", &mut sink);
    let mut source = StateSource::default();
    for (name, data) in sink.tensors {
        source.insert_tensor(name, data);
    }
    let loaded = SynapticSgdState::<1>::state_unflatten("1", &mut source, &device);
    let step = |state| {
        sgd.build()
            .step(0.1, tensor(1.0), tensor(0.7), state)
            .0
            .into_data()
    };
    assert_eq!(step(loaded), step(Some(state)));
}
