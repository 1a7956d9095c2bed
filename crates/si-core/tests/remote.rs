//! Training on a device of a server, over WebSocket, gives exactly the same numbers (bit for bit) as the backend
//! that the server computes with.
//!
//! The server is a thread of the same process. It shares only a socket with the training, just as a server on
//! another machine would.

#[path = "suite/common/mod.rs"]
mod common;

use std::marker::PhantomData;
use std::net::TcpListener;
use std::sync::OnceLock;
use std::thread;

use burn::backend::{Dispatch, Remote, TensorMetadata, tensor::FloatTensor};
use burn::module::{Module, ModuleMapper, ModuleVisitor, Param, ParamId};
use burn::nn::LinearConfig;
use burn::optim::momentum::MomentumConfig;
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig};
use burn::prelude::*;
use burn::remote::RemoteHost;
use burn::server::{RemoteServer, WebSocketTransport};
use burn::tensor::activation::log_softmax;
use common::mlp::Mlp;
use common::values;
use si_core::importance::{self, FisherLabels};
use si_core::ops::SynapticBackend;
use si_core::optim::{Synaptic, TaskControl};
use si_core::settings::StatePrecision;
use si_core::{
    Checkpoint, ContinualLearner, QuadraticPenaltyConfig, SynapticAdamConfig, SynapticIntelligence,
    SynapticIntelligenceConfig, SynapticOptimizer, SynapticSgdConfig,
};

const TASKS: usize = 2;
const STEPS: usize = 5;
const LEARNING_RATE: f64 = 0.05;

/// A pass that includes the optimizer sums a parameter's penalties in another order than Burn's operations do. The
/// sum is only reported.
const ROUNDING: f64 = 1e-5;

/// A device of a server that computes on Flex. Burn itself waits some seconds for the server.
fn remote() -> Device {
    static HOST: OnceLock<RemoteHost> = OnceLock::new();
    let host = HOST.get_or_init(|| {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        thread::spawn(move || {
            let transport = WebSocketTransport::from_listener(listener);
            RemoteServer::new([Device::flex()]).serve(transport)
        });
        RemoteHost::websocket(&format!("ws://{address}"))
    });
    let device = Device::remote_options(host).init();
    device.expect("the server is there").autodiff()
}

fn flex() -> Device {
    Device::flex().autodiff()
}

/// The same network on each device.
fn network(device: &Device) -> Mlp {
    struct Fixed;
    impl ModuleMapper for Fixed {
        fn map_float<const D: usize>(&mut self, param: Param<Tensor<D>>) -> Param<Tensor<D>> {
            param.map(|tensor| {
                let shape = tensor.shape();
                let number = |index| (index as f32 + shape.num_elements() as f32).sin();
                let numbers: Vec<f32> = (0..shape.num_elements()).map(number).collect();
                let numbers = TensorData::new(numbers, shape);
                Tensor::from_data(numbers, &tensor.device()).require_grad()
            })
        }
    }
    let network = Mlp {
        fc1: LinearConfig::new(3, 6).init(device),
        fc2: LinearConfig::new(6, 3).init(device),
    };
    network.map(&mut Fixed)
}

fn inputs(task: usize, step: usize, device: &Device) -> Tensor<2> {
    let number = |index: usize| ((7 * index + 31 * step + 101 * task) as f32).sin();
    let numbers = (0..12).map(number).collect::<Vec<f32>>();
    Tensor::from_data(TensorData::new(numbers, [4, 3]), device)
}

fn loss(network: &Mlp, task: usize, step: usize, device: &Device) -> Tensor<1> {
    let labels = Tensor::from_ints([0, 1, 2, (task % 3) as i32], device);
    network.loss(inputs(task, step, device), labels)
}

fn gradients(network: &Mlp, task: usize, step: usize, device: &Device) -> GradientsParams {
    GradientsParams::from_grads(loss(network, task, step, device).backward(), network)
}

fn config() -> SynapticIntelligenceConfig {
    SynapticIntelligenceConfig::new()
        .with_strength(2.0)
        .with_damping(0.01)
}

fn learner(device: &Device) -> ContinualLearner<Mlp> {
    ContinualLearner::new(network(device), &config()).expect("the config is valid")
}

fn learn_task(
    mut learner: ContinualLearner<Mlp>,
    optimizer: &mut SynapticOptimizer,
    task: usize,
    device: &Device,
) -> ContinualLearner<Mlp> {
    for step in 0..STEPS {
        let loss = |network: &Mlp| loss(network, task, step, device);
        (learner, _) = learner.step(optimizer, LEARNING_RATE, loss);
    }
    learner
}

/// Burn's optimizers, and those that compute the method in their own pass.
fn optimizers() -> [SynapticOptimizer; 4] {
    let momentum = Some(MomentumConfig::new());
    [
        AdamConfig::new().build().into(),
        SgdConfig::new()
            .with_momentum(momentum.clone())
            .build()
            .into(),
        SynapticAdamConfig::new().init(),
        SynapticSgdConfig::new().with_momentum(momentum).init(),
    ]
}

/// The state that a method keeps for a parameter.
type Held<B> = Vec<Option<FloatTensor<B>>>;

/// The bits of the parameters, and of the state that `held` returns for each.
fn bits_with<B: SynapticBackend>(
    network: &Mlp,
    held: impl Fn(ParamId) -> Held<B>,
) -> Vec<Vec<u64>> {
    struct Read<F, B> {
        held: F,
        bits: Vec<Vec<u64>>,
        backend: PhantomData<B>,
    }
    impl<B: SynapticBackend, F: Fn(ParamId) -> Held<B>> ModuleVisitor for Read<F, B> {
        fn visit_float<const D: usize>(&mut self, param: &Param<Tensor<D>>) {
            let bits = |tensor: Tensor<D>| values(tensor).into_iter().map(f64::to_bits).collect();
            self.bits.push(bits(param.val().inner()));
            let held = (self.held)(param.id).into_iter();
            let held = held.map(|it| it.map_or(Vec::new(), |it| bits(B::tensor(it))));
            self.bits.extend(held);
        }
    }
    let mut read = Read {
        held,
        bits: Vec::new(),
        backend: PhantomData::<B>,
    };
    network.visit(&mut read);
    read.bits
}

fn bits_of<B: SynapticBackend>(
    network: &Mlp,
    regularizer: &SynapticIntelligence<B>,
) -> Vec<Vec<u64>> {
    bits_with::<B>(network, |id| {
        let synapse = regularizer.synapse(id);
        let held = synapse.map(|it| {
            [
                it.path_integral_primitive(),
                it.importance_primitive(),
                Some(it.anchor_primitive()),
            ]
        });
        let held = held.into_iter().flatten();
        held.map(|it| it.cloned()).collect()
    })
}

fn bits(learner: &ContinualLearner<Mlp>) -> Vec<Vec<u64>> {
    bits_of(learner, learner.regularizer())
}

/// Compares everything that is read during a training on one device and on the other.
#[test]
fn learner_learns_the_same_on_a_remote_device_as_on_flex() {
    for index in 0..optimizers().len() {
        let [on_flex, on_remote] = [flex(), remote()].map(|device| {
            let mut optimizer = optimizers()[index].clone();
            let mut learner = learner(&device);
            let mut states = Vec::new();
            let mut reports = Vec::new();
            for task in 0..TASKS {
                learner = learn_task(learner, &mut optimizer, task, &device);
                reports.push(learner.end_epoch());
                states.push(bits(&learner));
                assert_eq!(learner.end_task(), None);
                states.push(bits(&learner));
            }
            (states, reports, learner.diagnostics())
        });
        assert_eq!(on_remote.0, on_flex.0, "optimizer {index}");
        assert_eq!(on_remote.2, on_flex.2, "optimizer {index}");
        for (remote, flex) in on_remote.1.iter().zip(&on_flex.1) {
            assert_eq!(remote.task_loss, flex.task_loss);
            assert!((remote.penalty - flex.penalty).abs() <= ROUNDING * flex.penalty);
        }
        assert!(on_flex.1[1].penalty > 0.0);
    }
}

/// With the state on the backend's own type, and the penalty as a term of the loss.
#[test]
fn regularizer_is_the_same_on_the_named_remote_backend_and_on_dispatch() {
    fn learn<B: SynapticBackend>(device: &Device) -> Vec<Vec<u64>> {
        let mut regularizer = SynapticIntelligence::<B>::new(config()).expect("it is valid");
        let mut network = network(device);
        let mut optimizer = AdamConfig::new().init();
        for task in 0..TASKS {
            for step in 0..STEPS {
                let loss = loss(&network, task, step, device) + regularizer.penalty(&network);
                let mut grads = GradientsParams::from_grads(loss.backward(), &network);
                regularizer.observe_gradients(&network, &mut grads);
                network = optimizer.step(LEARNING_RATE, network, grads);
                regularizer.observe(&network);
            }
            assert_eq!(regularizer.consolidate(&network), None);
        }
        bits_of(&network, &regularizer)
    }
    let on_flex = learn::<Dispatch>(&flex());
    assert_eq!(learn::<Dispatch>(&remote()), on_flex);
    assert_eq!(learn::<Remote>(&remote()), on_flex);
}

#[test]
fn method_inside_an_optimizer_is_the_same_on_a_remote_device() {
    let [on_flex, on_remote] = [flex(), remote()].map(|device| {
        let tasks = TaskControl::new();
        let adam = Synaptic::new(AdamConfig::new().build(), &config(), &tasks);
        let mut optimizer = ModuleOptimizer::from(adam.expect("the config is valid"));
        let mut network = network(&device);
        for task in 0..TASKS {
            for step in 0..STEPS {
                let grads = gradients(&network, task, step, &device);
                network = optimizer.step(LEARNING_RATE, network, grads);
            }
            assert_eq!(tasks.end_task(), None);
        }
        let network = tasks.consolidate(&mut optimizer, network);
        let regularizer = tasks.regularizer(&optimizer, &network, &config());
        bits_of(&network, &regularizer.expect("the config is valid"))
    });
    assert_eq!(on_remote, on_flex);
}

#[test]
fn elastic_weight_consolidation_is_the_same_on_a_remote_device() {
    let [on_flex, on_remote] = [flex(), remote()].map(|device| {
        let config = QuadraticPenaltyConfig::ewc(20.0);
        let mut regularizer = config.init().expect("the config is valid");
        let mut network = network(&device);
        let mut optimizer = AdamConfig::new().init();
        for task in 0..TASKS {
            for step in 0..STEPS {
                let grads = gradients(&network, task, step, &device);
                let grads = regularizer.penalize(&network, grads);
                network = optimizer.step(LEARNING_RATE, network, grads);
            }
            let examples = inputs(task, STEPS, &device).split(1, 0);
            let log_likelihood = |network: &Mlp, example: &Tensor<2>| {
                log_softmax(network.forward(example.clone()), 1).squeeze_dim(0)
            };
            let fisher =
                importance::fisher(&network, examples, log_likelihood, FisherLabels::Exact);
            let fisher = fisher.expect("it gives probabilities");
            assert_eq!(regularizer.consolidate(&network, &fisher), None);
        }
        // Reads the state from its record, because a remote device also reads and writes records.
        let record = regularizer
            .record(&network)
            .into_bytes()
            .expect("it can be written");
        let record = burn::store::ModuleRecord::from_bytes(record).expect("it can be read");
        let loaded = config.init().expect("the config is valid");
        let loaded = loaded
            .load_record(&network, record)
            .expect("it is of this module");
        assert_eq!(loaded.task(), TASKS);
        bits_with::<Dispatch>(&network, |id| {
            let pull = loaded.pull(id).expect("each parameter has a pull");
            vec![
                Some(pull.precision_primitive().clone()),
                Some(pull.anchor_primitive().clone()),
            ]
        })
    });
    assert_eq!(on_remote, on_flex);
}

/// A training that is written on one device and resumed on the other has exactly the same numbers (bit for bit) as
/// one that stayed.
#[test]
fn training_goes_on_from_a_checkpoint_of_another_device() {
    for index in 0..optimizers().len() {
        let begun = |device: &Device| {
            let mut optimizer = optimizers()[index].clone();
            let mut learner = learn_task(learner(device), &mut optimizer, 0, device);
            learner.end_task();
            // In the middle of a task, when all state is in use.
            (learn_task(learner, &mut optimizer, 1, device), optimizer)
        };
        let ended = |(learner, mut optimizer): (_, SynapticOptimizer), device: &Device| {
            let mut learner = learn_task(learner, &mut optimizer, 2, device);
            learner.end_task();
            bits(&learner)
        };
        let stayed = ended(begun(&flex()), &flex());
        for from in [flex(), remote()] {
            let (learner, optimizer) = begun(&from);
            let checkpoint = Checkpoint::new(&learner, &optimizer, &()).expect("it can be made");
            for to in [flex(), remote()] {
                let bytes = checkpoint.to_bytes();
                let checkpoint = Checkpoint::from_bytes(&bytes).expect("it is whole");
                let fresh = (self::learner(&to), optimizers()[index].clone());
                let restored = checkpoint.restore(fresh.0, fresh.1);
                let restored = restored.expect("it is of this model");
                assert_eq!(ended(restored, &to), stayed, "{from:?} to {to:?}, {index}");
            }
        }
    }
}

#[test]
fn learner_that_moves_to_a_remote_device_and_back_keeps_its_state() {
    let mut optimizer = SynapticAdamConfig::new().init();
    let mut home = learn_task(learner(&flex()), &mut optimizer, 0, &flex());
    home.end_task();
    home = learn_task(home, &mut optimizer, 1, &flex());
    let state = bits(&home);

    let away = home.clone().to_device(&remote());
    assert_eq!(bits(&away), state);
    for synapse in away.regularizer().synapses() {
        assert_eq!(
            synapse.anchor_primitive().device(),
            *remote().inner().as_dispatch()
        );
    }
    let back = away.to_device(&flex());
    assert_eq!(bits(&back), state);

    // Changing the device before each step changes nothing. `fork` moves the learner: after `to_device`, the
    // parameters are part of the graph of the old device, and Burn does not train them.
    let mut stayed = learn_task(home.clone(), &mut optimizer.clone(), 2, &flex());
    let mut moved = home;
    for step in 0..STEPS {
        let device = [flex(), remote()][step % 2].clone();
        moved = moved.fork(&device);
        let loss = |network: &Mlp| loss(network, 2, step, &device);
        (moved, _) = moved.step(&mut optimizer, LEARNING_RATE, loss);
    }
    assert_eq!(bits(&moved), bits(&stayed));
    assert_eq!(moved.end_task(), stayed.end_task());
    assert_eq!(bits(&moved), bits(&stayed));
}

#[test]
fn gradient_checkpointing_and_half_precision_are_the_same_on_a_remote_device() {
    let [on_flex, on_remote] = [flex(), remote()].map(|device| {
        let device = device.gradient_checkpointing();
        let config = config().with_state_precision(StatePrecision::Bf16);
        let learner = ContinualLearner::new(network(&device), &config);
        let mut learner = learner.expect("the device supports it");
        let mut optimizer = SynapticAdamConfig::new().init();
        for task in 0..TASKS {
            learner = learn_task(learner, &mut optimizer, task, &device);
            assert_eq!(learner.end_task(), None);
        }
        bits(&learner)
    });
    assert_eq!(on_remote, on_flex);
}
