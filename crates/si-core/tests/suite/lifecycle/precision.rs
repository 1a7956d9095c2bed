//! Parameters of 16 bits, alone and beside others: sums over steps, parameters and elements are in 32 bits.

use burn::lr_scheduler::module_lr_scheduler::ModuleLearningRate;
use burn::module::{Lora, Module, ModuleMapper, Param};
use burn::nn::{Linear, LinearConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::tensor::{DType, Device, Distribution, FloatDType, Int, Tensor, activation};
use si_core::importance::{self, FisherLabels};
use si_core::optim::{Synaptic, TaskControl};
use si_core::settings::StatePrecision;
use si_core::{
    ContinualLearner, ContinualOptimizer, QuadraticPenaltyConfig, SynapticAdamConfig,
    SynapticIntelligenceConfig,
};

use crate::common::values;
use crate::lifecycle::network::{layer, state, wrapped};

const SIXTEEN_BITS: [FloatDType; 2] = [FloatDType::F16, FloatDType::BF16];

/// Flex supports both 16-bit types.
fn device() -> Device {
    Device::flex().autodiff()
}

fn cast<M: Module>(module: M, dtype: FloatDType) -> M {
    struct Cast(FloatDType);
    impl ModuleMapper for Cast {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let is_trained = tensor.is_require_grad();
                let tensor = tensor.inner().cast(self.0);
                Tensor::from_inner(tensor).set_require_grad(is_trained)
            })
        }
    }
    module.map(&mut Cast(dtype))
}

fn number(value: f32, dtype: FloatDType) -> Param<Tensor<1>> {
    let value = Tensor::<1>::from_floats([value], &device().inner()).cast(dtype);
    Param::from_tensor(Tensor::from_inner(value))
}

#[derive(Module, Debug)]
struct One {
    a: Param<Tensor<1>>,
}

#[derive(Module, Debug)]
struct Two {
    a: Param<Tensor<1>>,
    b: Param<Tensor<1>>,
}

/// The data types of the state of a learner's parameters.
fn state_types<M: Module>(learner: &ContinualLearner<M>) -> Vec<DType> {
    use burn::backend::TensorMetadata;
    let synapses = learner.regularizer().synapses().into_iter();
    let of = |it: &si_core::Synapse<burn::backend::Dispatch>| {
        let parts = [
            Some(it.anchor_primitive()),
            it.importance_primitive(),
            it.path_integral_primitive(),
        ];
        parts
            .into_iter()
            .flatten()
            .map(|it| it.dtype())
            .collect::<Vec<_>>()
    };
    synapses.flat_map(of).collect()
}

#[test]
fn state_of_sixteen_bit_parameters_is_kept_in_32_bits_unless_asked_otherwise() {
    for dtype in SIXTEEN_BITS {
        for (held, expected) in [
            (StatePrecision::Full, DType::F32),
            (StatePrecision::Bf16, DType::BF16),
        ] {
            let config = SynapticIntelligenceConfig::new().with_state_precision(held);
            let module = One {
                a: number(0.5, dtype),
            };
            let mut learner = ContinualLearner::new(module, &config).expect("it is valid");
            let mut optimizer = SgdConfig::new().init();
            for _ in 0..2 {
                (learner, _) = learner.step(&mut optimizer, 0.1, |it| it.a.val().square());
                assert_eq!(
                    state_types(&learner).last(),
                    Some(&DType::F32),
                    "the path integral"
                );
                learner.end_task();
            }
            assert_eq!(state_types(&learner), [expected; 2]);
            assert_eq!(learner.a.val().dtype(), DType::from(dtype));
        }
    }
}

#[test]
fn path_integral_of_many_small_steps_matches_that_of_wide_numbers() {
    for dtype in SIXTEEN_BITS {
        // Here 16-bit numbers are dense, so small steps are taken as they are.
        let module = One {
            a: number(1e-3, dtype),
        };
        let mut learner = wrapped(module);
        let mut optimizer = SgdConfig::new().init();
        let (mut expected, mut num_steps) = (0.0, 0);
        for step in 0..3000 {
            let before = values(learner.a.val())[0];
            let slope = if step % 2 == 0 { 1.0 } else { 0.5 };
            (learner, _) = learner.step(&mut optimizer, 1e-4, |it| it.a.val().mul_scalar(slope));
            let delta = values(learner.a.val())[0] - before;
            expected -= slope * delta;
            num_steps += usize::from(delta != 0.0);
        }
        let synapse = learner
            .regularizer()
            .synapse(learner.a.id)
            .expect("it is trained");
        let omega = values(synapse.path_integral::<1>().expect("there were steps"))[0];
        assert!(num_steps > 100 && expected > 0.0);
        assert!(
            (omega - expected).abs() < 1e-5 * expected,
            "{omega} is not {expected}"
        );
    }
}

#[test]
fn penalty_of_mixed_precisions_is_one_sum() {
    let module = Two {
        a: number(0.5, FloatDType::F16),
        b: number(0.5, FloatDType::F32),
    };
    let mut learner = wrapped(module);
    let mut optimizer = SgdConfig::new().init();
    let loss = |it: &Two| (it.a.val().cast(DType::F32) + it.b.val()).square();
    assert_eq!(learner.regularizer().penalty(&*learner).dtype(), DType::F32);
    for _ in 0..2 {
        (learner, _) = learner.step(&mut optimizer, 0.1, loss);
        learner.end_task();
    }
    (learner, _) = learner.step(&mut optimizer, 0.1, loss);
    let penalty = learner.regularizer().penalty(&*learner);
    assert_eq!(penalty.dtype(), DType::F32);
    let grads = GradientsParams::from_grads(penalty.backward(), &*learner);
    for gradient in [grads.get::<1>(learner.a.id), grads.get::<1>(learner.b.id)] {
        assert!(values(gradient.expect("it is held back"))[0] < 0.0);
    }
    assert!(values(penalty)[0] > 0.0);
    assert!(learner.end_epoch().penalty >= 0.0);
}

#[test]
fn mean_loss_of_a_long_epoch_equals_that_of_wide_numbers() {
    for dtype in SIXTEEN_BITS {
        let mut si = SynapticIntelligenceConfig::new()
            .init()
            .expect("it is valid");
        let loss = Tensor::<1>::from_floats([1.0], &device()).cast(dtype);
        for _ in 0..3000 {
            si.observe_loss(&loss);
        }
        assert_eq!(si.end_epoch().task_loss, Some(1.0));
    }
}

/// A classifier of points by their angle.
#[derive(Module, Debug)]
struct Classifier {
    hidden: Linear,
    head: Linear,
}

impl Classifier {
    fn new() -> Self {
        Self {
            hidden: layer(2, 32, &device()),
            head: layer(32, 4, &device()),
        }
    }

    /// The log-probabilities of the two labels of a task.
    fn forward(&self, x: Tensor<2>, task: usize) -> Tensor<2> {
        let x = x.cast(self.hidden.weight.dtype());
        let logits = self.head.forward(activation::relu(self.hidden.forward(x)));
        let [rows, _] = logits.dims();
        let logits = logits.slice([0..rows, 2 * task..2 * task + 2]);
        activation::log_softmax(logits.cast(DType::F32), 1)
    }
}

/// Points and their labels: the two sides of a line through the origin. Each task has another line.
fn points(task: usize) -> (Tensor<2>, Tensor<2, Int>) {
    let x = Tensor::<2>::random([400, 2], Distribution::Uniform(-1.0, 1.0), &device());
    let normal = [[[1.0, 0.6], [-0.5, 1.0]][task]];
    let side = (x.clone() * Tensor::<2>::from_floats(normal, &device())).sum_dim(1);
    let labels = side.greater_elem(0.0).int();
    (x, labels)
}

fn accuracy(model: &Classifier, task: usize) -> f64 {
    let (x, labels) = points(task);
    let right = model.forward(x, task).argmax(1).equal(labels);
    values(right.float().mean())[0]
}

/// The accuracies on both tasks after learning them one after the other.
fn learn(dtype: FloatDType, strength: f64, mut optimizer: impl ContinualOptimizer) -> [f64; 2] {
    let config = SynapticIntelligenceConfig::new().with_strength(strength);
    let module = cast(Classifier::new(), dtype);
    let mut learner = ContinualLearner::new(module, &config).expect("it is valid");
    for task in 0..2 {
        for _ in 0..150 {
            let (x, labels) = points(task);
            (learner, _) = learner.step(&mut optimizer, 1e-2, |it| {
                it.forward(x, task).gather(1, labels).mean().neg()
            });
        }
        assert_eq!(learner.end_task(), None);
    }
    [0, 1].map(|task| accuracy(&learner, task))
}

#[test]
fn training_in_sixteen_bits_keeps_old_tasks_as_well_as_in_32() {
    let adam = || AdamConfig::new().with_epsilon(1e-4).init();
    let fused = || SynapticAdamConfig::new().with_epsilon(1e-4).init();
    let wide = learn(FloatDType::F32, 1.0, adam());
    let without = learn(FloatDType::F32, 0.0, adam());
    assert!(without[0] < wide[0] - 0.05, "the first task is forgotten");
    for dtype in SIXTEEN_BITS {
        for accuracies in [learn(dtype, 1.0, adam()), learn(dtype, 1.0, fused())] {
            for (narrow, wide) in accuracies.iter().zip(wide) {
                // Three standard deviations of a share of 0.95 among 400 points, which are drawn anew each time.
                assert!((narrow - wide).abs() < 0.04, "{narrow} is not {wide}");
            }
        }
    }
}

#[test]
fn optimizer_with_the_method_inside_takes_sixteen_bits() {
    for dtype in SIXTEEN_BITS {
        let tasks = TaskControl::new();
        let config = SynapticIntelligenceConfig::new();
        let synaptic = Synaptic::new(SgdConfig::new().build(), &config, &tasks);
        let mut optimizer = ModuleOptimizer::from(synaptic.expect("it is valid"));
        let mut module = Two {
            a: number(0.5, dtype),
            b: number(0.5, FloatDType::F32),
        };
        for _ in 0..3 {
            for _ in 0..2 {
                let loss = (module.a.val().cast(DType::F32) + module.b.val()).square();
                let grads = GradientsParams::from_grads(loss.backward(), &module);
                module = optimizer.step(ModuleLearningRate::from(0.1), module, grads);
            }
            tasks.end_task();
        }
        let bytes = optimizer.into_bytes().expect("it can be written");
        let found = tasks
            .regularizer(&optimizer, &module, &config)
            .expect("it is valid");
        assert_eq!(found.synapses().len(), 2);
        assert!(!bytes.is_empty());
    }
}

#[test]
fn learner_of_sixteen_bits_goes_on_from_its_record_to_the_same_bits() {
    for dtype in SIXTEEN_BITS {
        let fresh = || {
            wrapped(Two {
                a: number(0.5, dtype),
                b: number(0.25, FloatDType::F32),
            })
        };
        let loss = |it: &Two| (it.a.val().cast(DType::F32) + it.b.val()).square();
        let train = |mut learner: ContinualLearner<Two>, steps: usize| {
            let mut optimizer = SgdConfig::new().init();
            for step in 0..steps {
                (learner, _) = learner.step(&mut optimizer, 0.05, loss);
                if step == 1 {
                    learner.end_task();
                }
            }
            learner
        };
        let learner = train(fresh(), 4);
        let loaded = fresh()
            .try_load_record(learner.clone().into_record())
            .expect("it fits");
        assert_eq!(state_types(&loaded), state_types(&learner));
        assert_eq!(state(&train(loaded, 1)), state(&train(learner, 1)));
    }
}

#[test]
fn learner_that_is_cast_between_tasks_keeps_its_state() {
    let mut learner = wrapped(One {
        a: number(0.5, FloatDType::F32),
    });
    let mut optimizer = SgdConfig::new().init();
    for dtype in [
        FloatDType::F32,
        FloatDType::BF16,
        FloatDType::F64,
        FloatDType::F32,
    ] {
        let module = cast(learner.clone().into_inner(), dtype);
        *learner = module;
        for _ in 0..2 {
            (learner, _) = learner.step(&mut optimizer, 0.1, |it| it.a.val().square());
        }
        assert_eq!(learner.end_task(), None);
        let expected = if dtype == FloatDType::F64 {
            DType::F64
        } else {
            DType::F32
        };
        assert_eq!(state_types(&learner), [expected; 2]);
    }
    assert_eq!(learner.regularizer().task(), 4);
}

#[test]
fn information_of_sixteen_bits_is_measured_and_kept_in_32() {
    for dtype in SIXTEEN_BITS {
        let model = cast(Classifier::new(), dtype);
        let (x, _) = points(0);
        let examples: Vec<Tensor<2>> = (0..20).map(|row| x.clone().narrow(0, row, 1)).collect();
        let fisher = importance::fisher(
            &model,
            examples,
            |model, x| model.forward(x.clone(), 0).squeeze_dim::<1>(0),
            FisherLabels::Exact,
        );
        let fisher = fisher.expect("it gives probabilities");
        let information = fisher
            .get::<2>(model.hidden.weight.id)
            .expect("it is trained");
        assert_eq!(information.dtype(), DType::F32);
        let mut elastic = QuadraticPenaltyConfig::ewc(10.0)
            .init()
            .expect("it is valid");
        assert_eq!(elastic.consolidate(&model, &fisher), None);
        let loss = model.forward(x, 1).mean();
        let grads = GradientsParams::from_grads(loss.backward(), &model);
        let grads = elastic.penalize(&model, grads);
        let gradient = grads.get::<2>(model.hidden.weight.id).expect("it has one");
        assert_eq!(gradient.dtype(), DType::from(dtype));
        assert_eq!(elastic.penalty(&model).dtype(), DType::F32);
    }
}

#[test]
fn adapter_on_a_base_of_sixteen_bits_is_consolidated_alone() {
    for dtype in SIXTEEN_BITS {
        let base = cast(LinearConfig::new(4, 2).init(&device()), dtype);
        let module = base.apply_lora(Lora::new(2, 2.0));
        let mut learner = wrapped(module);
        let consolidated: Vec<String> = (learner.coverage().consolidated())
            .map(|it| it.path.clone())
            .collect();
        assert!(!consolidated.is_empty());
        assert!(
            consolidated.iter().all(|path| path.contains("lora")),
            "{consolidated:?}"
        );
        let mut optimizer = SgdConfig::new().init();
        // Steps towards another target, since those near the first one's minimum may be too small for 16 bits.
        for target in [1.0, -1.0] {
            for _ in 0..3 {
                (learner, _) = learner.step(&mut optimizer, 0.1, |it| {
                    let x = Tensor::<2>::ones([1, 4], &device()).cast(dtype);
                    (it.forward(x).cast(DType::F32) - target).square().mean()
                });
            }
            assert_eq!(learner.end_task(), None);
        }
        assert_eq!(learner.regularizer().synapses().len(), consolidated.len());
        assert!(
            learner
                .regularizer()
                .penalty(&*learner)
                .into_scalar::<f32>()
                >= 0.0
        );
    }
}
