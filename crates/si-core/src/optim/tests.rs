//! An optimizer with everything in one pass gives the same result as Burn's own with a separate pass for each:
//! exactly the same numbers if the device compiles fused and separate operations alike.

use burn::backend::{Dispatch, tensor::FloatTensor};
use burn::grad_clipping::GradientClippingConfig;
use burn::module::{Module, Param};
use burn::optim::decay::WeightDecayConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{
    AdamConfig, GradientsParams, ModuleOptimizer, Optimizer, RecordState, SgdConfig, StateSink,
    StateSource,
};
use burn::tensor::{DType, Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use rand::{RngExt, SeedableRng};

use super::update_slot::{self, UpdateInput, UpdateOutput};
use super::{
    ContinualOptimizer, SynapticAdamConfig, SynapticOptimizer, SynapticSgdConfig, SynapticSgdState,
};
use crate::ops::{SynapticBackend, SynapticUpdate};
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
        for config in settings() {
            let expected = learn(&mut plain.init(), &config);
            assert_same(&learn(&mut fused.init(), &config), &expected);
            // In a `ModuleOptimizer` it also has a separate pass for each.
            assert_same(&learn(&mut fused.init().into_inner(), &config), &expected);
        }
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
        for config in settings() {
            let expected = learn(&mut plain.init(), &config);
            assert_same(&learn(&mut fused.init(), &config), &expected);
            assert_same(&learn(&mut fused.init().into_inner(), &config), &expected);
        }
    }
}

#[test]
fn optimizers_without_a_learner_equal_burns_own() {
    let plain = |optimizer: &mut ModuleOptimizer| {
        let mut model = Model::new();
        for step in 0..7 {
            let grads = GradientsParams::from_grads(model.loss(step).backward(), &model);
            model = optimizer.step(LEARNING_RATE, model, grads);
        }
        let [inner, outer] = [model.inner.val().into_data(), model.outer.val().into_data()];
        inner
            .iter::<f32>()
            .chain(outer.iter())
            .collect::<Vec<f32>>()
    };
    let expected = plain(&mut AdamConfig::new().init());
    let fused = plain(&mut SynapticAdamConfig::new().init().into_inner());
    assert_same(&fused, &expected);
    let expected = plain(&mut SgdConfig::new().init());
    let fused = plain(&mut SynapticSgdConfig::new().init().into_inner());
    assert_same(&fused, &expected);
}

#[test]
fn records_can_be_exchanged_with_burns_own() {
    /// A parameter after seven steps. `first` takes the first three steps; `later` loads its record and takes the
    /// others.
    fn change(first: impl Optimizer, later: impl Optimizer) -> Vec<f32> {
        let mut optimizer = ModuleOptimizer::from(first);
        let mut later = Some(ModuleOptimizer::from(later));
        let mut model = Model::new();
        for step in 0..7 {
            if let Some(later) = later.take_if(|_| step == 3) {
                let bytes = optimizer.into_bytes().expect("it can be written");
                optimizer = later.from_bytes(bytes).expect("it can be read");
            }
            let grads = GradientsParams::from_grads(model.loss(step).backward(), &model);
            model = optimizer.step(LEARNING_RATE, model, grads);
        }
        model.inner.val().into_data().iter::<f32>().collect()
    }
    let (fused, plain) = (SynapticAdamConfig::new(), AdamConfig::new());
    let expected = change(plain.build(), plain.build());
    assert_same(&change(plain.build(), fused.build()), &expected);
    assert_same(&change(fused.build(), plain.build()), &expected);

    let momentum = Some(MomentumConfig::new());
    let fused = SynapticSgdConfig::new().with_momentum(momentum.clone());
    let plain = SgdConfig::new().with_momentum(momentum);
    let expected = change(plain.build(), plain.build());
    assert_same(&change(plain.build(), fused.build()), &expected);
    assert_same(&change(fused.build(), plain.build()), &expected);
}

#[test]
fn an_optimizer_that_panics_leaves_no_synapses_behind() {
    let input = UpdateInput {
        path_integral: number(1.0),
        importance: number(0.0),
        anchor: number(0.0),
        update: NOTHING_HELD,
    };
    let optimizer = || update_slot::with_input(input, || panic!("on purpose"));
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(optimizer));
    assert!(result.is_err());
    update_slot::take_input(|input| {
        assert!(input.is_none());
        ((), None)
    });
}

#[test]
fn an_optimizer_inside_another_finds_no_synapses() {
    let output = |_| UpdateOutput {
        path_integral: number(2.0),
        penalty: number(3.0),
    };
    let input = || UpdateInput {
        path_integral: number(1.0),
        importance: number(0.0),
        anchor: number(0.0),
        update: NOTHING_HELD,
    };
    let ((), outer) = update_slot::with_input(input(), || {
        update_slot::take_input(|found| {
            update_slot::take_input(|found| {
                assert!(found.is_none());
                ((), None)
            });
            let ((), inner) = update_slot::with_input(input(), || {
                update_slot::take_input(|found| ((), found.map(output)));
            });
            assert_eq!(value(inner.penalty), 3.0);
            ((), found.map(output))
        });
    });
    assert_eq!(value(outer.path_integral), 2.0);
}

const NOTHING_HELD: SynapticUpdate = SynapticUpdate {
    scale: 0.0,
    bound: f64::INFINITY,
    path_gradient: PathGradient::Task,
};

fn number(value: f32) -> FloatTensor<Dispatch> {
    Dispatch::primitive(Tensor::<1>::from_floats([value], &device()))
}

fn value(number: FloatTensor<Dispatch>) -> f32 {
    Dispatch::tensor::<1>(number).into_scalar()
}

#[test]
fn only_our_optimizers_without_clipping_are_fused() {
    let clipping = Some(GradientClippingConfig::Norm(1.0));
    let adam = SynapticAdamConfig::new();
    let sgd = SynapticSgdConfig::new();
    for (optimizer, is_fused) in [
        (adam.init(), true),
        (adam.build().into(), true),
        (sgd.init(), true),
        (sgd.build().into(), true),
        (adam.with_grad_clipping(clipping.clone()).init(), false),
        (sgd.with_grad_clipping(clipping).init(), false),
        (SynapticOptimizer::from(AdamConfig::new().init()), false),
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
