use burn::optim::GradientsParams;
use burn::tensor::{Tensor, TensorData};
use rand::rngs::ChaCha8Rng;
use serde::{Deserialize, Serialize};

use crate::methods::{Memory, Replay};
use crate::model::{Network, Output};

use super::cost::{Kept, PassCounter, Passes};
use super::device_task::{Batch, DeviceTask, indices};
use super::projection::projected;
use super::random::{Purpose, generator};
use super::reservoir::{Placed, Reservoir};

/// A memory of images, and what each step does with it.
pub(super) struct Rehearsal {
    memory: Memory,
    tasks: Vec<DeviceTask>,
    seed: u64,
    reservoir: Reservoir,
    /// The logits of each image in the memory, in the step that put it there, `[images, outputs]`, outside autodiff.
    /// `None` if they are not needed, or if there is no image.
    logits: Option<Tensor<2>>,
    pub(super) passes: PassCounter,
}

/// A memory in a checkpoint. How many images it has seen also decides what is drawn next.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct StoredMemory {
    reservoir: Reservoir,
    logits: Option<Vec<f32>>,
}

/// Which of a step's minibatches: a method may measure importance with a second one. Each draws its own images.
#[derive(Clone, Copy, Debug)]
pub(super) enum Minibatch {
    First,
    Second,
}

/// Images from the memory.
struct Drawn {
    batch: Batch,
    /// Where each is in the memory.
    slots: Vec<usize>,
}

impl Rehearsal {
    /// With an empty memory, before the first of `tasks`.
    pub(super) fn new(memory: Memory, tasks: &[DeviceTask], seed: u64) -> Self {
        Self {
            reservoir: Reservoir::new(memory.size),
            memory,
            tasks: tasks.to_vec(),
            seed,
            logits: None,
            passes: PassCounter::default(),
        }
    }

    /// The same images with another use of them. `memory` has the same size.
    pub(super) fn copy_with(&self, memory: Memory) -> Self {
        Self {
            memory,
            tasks: self.tasks.clone(),
            seed: self.seed,
            reservoir: self.reservoir.clone(),
            logits: self.logits.clone(),
            passes: PassCounter::default(),
        }
    }

    /// The loss of a step, `[1]`, with the images that it draws, and what `network` computes for those of `batch`.
    pub(super) fn loss(
        &self,
        network: &Network,
        batch: &Batch,
        minibatch: Minibatch,
    ) -> (Tensor<1>, Output) {
        let rng = &mut self.generator(minibatch);
        match self.memory.replay {
            Replay::Joined => match self.draw(i32::MAX, rng) {
                Some(drawn) => {
                    let joined = Batch::joined(vec![batch.clone(), drawn.batch]);
                    let (loss, output) = joined.loss(network);
                    (loss, output.first(batch.len()))
                }
                None => batch.loss(network),
            },
            Replay::Logits { alpha, beta } => {
                let held = self.draw(i32::MAX, rng);
                let relearnt = beta.and_then(|beta| Some((beta, self.draw(i32::MAX, rng)?)));
                let mut all = vec![batch.clone()];
                all.extend(held.iter().map(|drawn| drawn.batch.clone()));
                all.extend(relearnt.iter().map(|(_, drawn)| drawn.batch.clone()));
                let output = Batch::joined(all).output(network);

                let mut start = batch.len();
                let mut logits_of = |drawn: &Drawn| {
                    let logits = output.logits.clone().narrow(0, start, drawn.batch.len());
                    start += drawn.batch.len();
                    logits
                };
                let held = held.as_ref().and_then(|drawn| {
                    let now = logits_of(drawn);
                    let then = self.logits_then(drawn)?;
                    Some(distance(now, then, drawn.batch.mask_of_each()) * alpha)
                });
                let again = relearnt.as_ref().map(|(beta, drawn)| {
                    let logits = logits_of(drawn);
                    drawn.batch.cross_entropy(logits) * *beta
                });
                let output = output.first(batch.len());
                let loss = batch.cross_entropy(output.logits.clone());
                let terms = [held, again].into_iter().flatten();
                (terms.fold(loss, |loss, term| loss + term), output)
            }
            Replay::Projection => batch.loss(network),
        }
    }

    /// The gradients of a step on `batch`, changed as the images that it draws demand.
    pub(super) fn filter(
        &self,
        network: &Network,
        batch: &Batch,
        minibatch: Minibatch,
        grads: GradientsParams,
    ) -> GradientsParams {
        if self.memory.replay != Replay::Projection {
            return grads;
        }
        let earlier = DeviceTask::before(&self.tasks, batch).last();
        let end = earlier.map_or(0, |task| task.places.end);
        let Some(drawn) = self.draw(end, &mut self.generator(minibatch)) else {
            return grads;
        };
        let (loss, _) = drawn.batch.loss(network);
        let reference = GradientsParams::from_grads(loss.backward(), network);
        projected(network, grads, reference)
    }

    /// Lets the memory see the images of `batch`. `logits` are theirs in this step, `[batch, outputs]`, outside autodiff.
    pub(super) fn remember(&mut self, batch: &Batch, logits: Tensor<2>) {
        let num_seen = self.reservoir.num_seen();
        let num_before = self.reservoir.len();
        let mut rng = generator(self.seed, Purpose::Memory { num_seen });
        let placed = self.reservoir.see(&batch.places, &mut rng);
        if !self.keeps_logits() || placed.is_empty() {
            return;
        }
        let mut rows: Vec<i32> = (0..self.reservoir.len() as i32).collect();
        for Placed { slot, position } in placed {
            rows[slot] = (num_before + position) as i32;
        }
        let rows = indices(rows, &logits.device());
        let all = match self.logits.take() {
            Some(before) => Tensor::cat(vec![before, logits], 0),
            None => logits,
        };
        self.logits = Some(all.select(0, rows));
    }

    /// Lets the memory see each image of the first `num_tasks` tasks once, as if a network with `num_outputs` outputs had
    /// learnt them. Logits are zero. A step then costs as much as after these tasks.
    pub(super) fn see_tasks(&mut self, num_tasks: usize, num_outputs: usize) {
        let Some(last) = self.tasks[..num_tasks].last() else {
            return;
        };
        let places: Vec<i32> = (0..last.places.end).collect();
        let num_seen = self.reservoir.num_seen();
        let mut rng = generator(self.seed, Purpose::Memory { num_seen });
        self.reservoir.see(&places, &mut rng);
        if self.keeps_logits() {
            let shape = [self.reservoir.len(), num_outputs];
            self.logits = Some(Tensor::zeros(shape, &last.train.device()));
        }
    }

    fn keeps_logits(&self) -> bool {
        matches!(self.memory.replay, Replay::Logits { .. })
    }

    /// What it holds.
    pub(super) fn kept(&self) -> Kept {
        let num_pixels = self.tasks.first().map_or(0, |task| task.train.num_pixels());
        let images = Kept::images(self.reservoir.len(), num_pixels);
        let logits = self.logits.as_ref();
        let logits = Kept::numbers(logits.map_or(0, |logits| logits.shape().num_elements()));
        [images, logits].into_iter().sum()
    }

    /// For a checkpoint.
    pub(super) fn stored(&self) -> StoredMemory {
        let logits = self.logits.clone().map(Tensor::into_data);
        StoredMemory {
            reservoir: self.reservoir.clone(),
            logits: logits.map(|it| it.iter().collect()),
        }
    }

    /// With the content of a checkpoint.
    pub(super) fn restored(self, stored: StoredMemory) -> Self {
        let num_images = stored.reservoir.len();
        let device = self.tasks.first().map(|task| task.train.device());
        let logits = stored.logits.zip(device).map(|(logits, device)| {
            let shape = [num_images, logits.len() / num_images.max(1)];
            Tensor::from_data(TensorData::new(logits, shape), &device)
        });
        Self {
            reservoir: stored.reservoir,
            logits,
            ..self
        }
    }

    /// What the next step draws with, for one of its minibatches.
    fn generator(&self, minibatch: Minibatch) -> ChaCha8Rng {
        let num_seen = self.reservoir.num_seen();
        let purpose = match minibatch {
            Minibatch::First => Purpose::Replay { num_seen },
            Minibatch::Second => Purpose::SecondReplay { num_seen },
        };
        generator(self.seed, purpose)
    }

    /// Images from those with places below `end`, to pass forward and backward. `None` if there are none.
    fn draw(&self, end: i32, rng: &mut ChaCha8Rng) -> Option<Drawn> {
        let slots = self.reservoir.draw(self.memory.batch, end, rng);
        self.passes.count(Passes::both(slots.len()));
        (!slots.is_empty()).then(|| Drawn {
            batch: Batch::at(&self.tasks, &self.reservoir.at(&slots)),
            slots,
        })
    }

    /// The logits of each image in the step that put it into the memory, `[batch, outputs]`.
    fn logits_then(&self, drawn: &Drawn) -> Option<Tensor<2>> {
        let logits = self.logits.clone()?;
        let slots = drawn.slots.iter().map(|slot| *slot as i32);
        let slots = indices(slots.collect(), &logits.device());
        Some(logits.select(0, slots))
    }
}

/// The mean over images of the mean squared distance of the logits `now` from `then`, `[1]`, over the outputs of each
/// image's task: those where `mask` is 0. All are `[batch, outputs]`.
fn distance(now: Tensor<2>, then: Tensor<2>, mask: Option<Tensor<2>>) -> Tensor<1> {
    let squares = (now - then).square();
    match mask {
        None => squares.mean(),
        Some(mask) => {
            let [num_images, _] = mask.dims();
            let is_counted = mask.equal_elem(0.0).float();
            let share = is_counted.clone() / is_counted.sum_dim(1);
            (squares * share).sum() / num_images as f64
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::tensor::Device;

    use super::super::Scenario;
    use super::super::testing::tasks;
    use super::*;
    use crate::experiment::Activation;
    use crate::model::{MlpConfig, NetworkConfig};

    fn rehearsal(scenario: Scenario, replay: Replay) -> Rehearsal {
        let tasks = DeviceTask::upload(&tasks(scenario), &Device::flex());
        let memory = Memory {
            size: 6,
            batch: 4,
            replay,
        };
        Rehearsal::new(memory, &tasks, 3)
    }

    fn network(num_outputs: usize) -> Network {
        let config = NetworkConfig::Mlp(MlpConfig {
            num_inputs: 4,
            hidden_sizes: vec![3],
            num_outputs,
            units: Activation::Tanh.into(),
            dropout: 0.0,
            zero_readout: false,
        });
        let mut rng = generator(1, Purpose::InitialParameters);
        config.init(&mut rng, &Device::flex().autodiff())
    }

    fn numbers(tensor: &Tensor<2>) -> Vec<f64> {
        tensor.to_data().iter().collect()
    }

    #[test]
    fn the_distance_of_logits_counts_the_outputs_of_each_images_task() {
        let device = Device::flex();
        let now = [[1.0, 2.0, 9.0], [7.0, -1.0, 0.5]];
        let then = [[0.0, 4.0, -9.0], [-7.0, -1.5, 0.0]];
        let mask = [[0.0, 0.0, -1e32], [-1e32, 0.0, 0.0]];
        let now = Tensor::<2>::from_floats(now, &device.clone().autodiff()).require_grad();
        let [then, mask] = [then, mask].map(|it| Tensor::<2>::from_floats(it, &device));
        // (1 + 4) / 2 and (0.25 + 0.25) / 2, and the mean of both. A gradient is 2 (z − z′) / (2 outputs · 2 images).
        let loss = distance(now.clone(), then.clone(), Some(mask));
        assert_eq!(loss.to_data().iter::<f64>().collect::<Vec<_>>(), [1.375]);
        let gradient = now.grad(&loss.backward()).expect("it is tracked");
        assert_eq!(numbers(&gradient), [0.5, -1.0, 0.0, 0.0, 0.25, 0.25]);
        // (1 + 4 + 18²) / 3 and (14² + 0.25 + 0.25) / 3.
        let loss = distance(now.clone(), then, None);
        let expected = (1.0 + 4.0 + 324.0 + 196.0 + 0.5) / 6.0;
        assert!((loss.clone().into_scalar::<f64>() - expected).abs() < 1e-4);
        let gradient = now.grad(&loss.backward()).expect("it is tracked");
        let expected = [1.0, -2.0, 18.0, 14.0, 0.5, 0.5].map(|it| 2.0 * it / 6.0);
        for (found, expected) in numbers(&gradient).into_iter().zip(expected) {
            assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
        }
    }

    #[test]
    fn the_memory_keeps_the_logits_that_its_images_had() {
        let replay = Replay::Logits {
            alpha: 1.0,
            beta: None,
        };
        let mut rehearsal = rehearsal(Scenario::Task, replay);
        let tasks = rehearsal.tasks.clone();
        let mut logits = vec![[0.0; 4]; 64];
        let mut num_changed = 0;
        for (step, batch) in Batch::of(&tasks, (0..64).collect(), 5).enumerate() {
            let of_batch = batch.places.iter().map(|place| {
                [0, 1, 2, 3].map(|output| (100 * step as i32 + 4 * place + output) as f32)
            });
            let of_batch: Vec<[f32; 4]> = of_batch.collect();
            for (place, row) in batch.places.iter().zip(&of_batch) {
                logits[*place as usize] = *row;
            }
            let flat = TensorData::new(of_batch.concat(), [batch.len(), 4]);
            let before = rehearsal.reservoir.clone();
            rehearsal.remember(&batch, Tensor::from_data(flat, &Device::flex()));
            num_changed += usize::from(before != rehearsal.reservoir);
            let drawn = rehearsal.draw(i32::MAX, &mut rehearsal.generator(Minibatch::First));
            let drawn = drawn.expect("there are images");
            assert_eq!(drawn.batch.len(), 4);
            let expected: Vec<f64> = drawn
                .batch
                .places
                .iter()
                .flat_map(|place| logits[*place as usize].map(f64::from))
                .collect();
            let then = rehearsal.logits_then(&drawn).expect("they are kept");
            assert_eq!(numbers(&then), expected);
        }
        assert!(num_changed > 3);
    }

    #[test]
    fn replayed_images_have_the_weight_that_the_method_gives_them() {
        let logits = |beta| Replay::Logits { alpha: 0.7, beta };
        for scenario in [Scenario::Task, Scenario::Domain] {
            for replay in [Replay::Joined, logits(None), logits(Some(0.3))] {
                let mut rehearsal = rehearsal(scenario, replay);
                let tasks = rehearsal.tasks.clone();
                let num_outputs = tasks[1].outputs.end;
                let network = network(num_outputs);
                let first = Batch::at(&tasks, &[0, 1, 2, 3, 4, 5]);
                let (loss, output) = rehearsal.loss(&network, &first, Minibatch::First);
                let plain = first.loss(&network).0.into_scalar::<f64>();
                assert_eq!(loss.into_scalar::<f64>(), plain);
                let then = output.logits.inner() + 0.5;
                rehearsal.remember(&first, then);

                let batch = Batch::at(&tasks, &[40, 41]);
                let (loss, output) = rehearsal.loss(&network, &batch, Minibatch::First);
                let rng = &mut rehearsal.generator(Minibatch::First);
                let drawn = rehearsal.draw(i32::MAX, rng).expect("there are images");
                let current = batch.loss(&network).0.into_scalar::<f64>();
                let replayed = drawn.batch.loss(&network).0.into_scalar::<f64>();
                let expected = match replay {
                    Replay::Joined => (2.0 * current + 4.0 * replayed) / 6.0,
                    Replay::Logits { alpha, beta } => {
                        // Each logit differs by 0.5 from what it was.
                        let again = beta.map_or(0.0, |beta| {
                            let drawn = rehearsal.draw(i32::MAX, rng).expect("there are images");
                            beta * drawn.batch.loss(&network).0.into_scalar::<f64>()
                        });
                        current + alpha * 0.25 + again
                    }
                    Replay::Projection => panic!("it adds nothing to the loss"),
                };
                let found = loss.into_scalar::<f64>();
                assert!((found - expected).abs() < 1e-5, "{found} is not {expected}");
                assert_eq!(output.logits.dims(), [2, num_outputs]);
                let of_batch = network.forward(batch.images.clone().autodiff());
                for (found, expected) in numbers(&output.logits).iter().zip(numbers(&of_batch)) {
                    assert!((found - expected).abs() < 1e-6);
                }
            }
        }
    }

    #[test]
    fn a_gradient_is_compared_with_images_of_earlier_tasks_only() {
        let mut rehearsal = rehearsal(Scenario::Domain, Replay::Projection);
        let tasks = rehearsal.tasks.clone();
        let network = network(2);
        let gradient = |batch: &Batch| {
            GradientsParams::from_grads(batch.loss(&network).0.backward(), &network)
        };
        let weight = |grads: &GradientsParams| {
            let gradient = grads.get::<2>(network.readout().weight.id);
            numbers(&gradient.expect("it is trained"))
        };
        let filter = |rehearsal: &Rehearsal, batch: &Batch| {
            rehearsal.filter(&network, batch, Minibatch::First, gradient(batch))
        };
        let first = Batch::at(&tasks, &[0, 1, 2, 3]);
        rehearsal.remember(&first, Tensor::zeros([4, 2], &Device::flex()));
        let unchanged = filter(&rehearsal, &first);
        assert_eq!(weight(&unchanged), weight(&gradient(&first)));

        // The same pictures with the other label: what lowers their loss raises that of the first.
        let mut opposite = Batch::at(&tasks, &[32, 33, 34, 35]);
        opposite.images = first.images.clone();
        opposite.labels = first.labels.clone() * -1 + 1;
        let filtered = filter(&rehearsal, &opposite);
        let expected = projected(&network, gradient(&opposite), gradient(&first));
        assert_eq!(weight(&filtered), weight(&expected));
        assert_ne!(weight(&filtered), weight(&gradient(&opposite)));

        // Images of the current task beside all those of the first.
        let current = Batch::at(&tasks, &[36, 37]);
        rehearsal.remember(&current, Tensor::zeros([2, 2], &Device::flex()));
        assert_eq!(rehearsal.reservoir.len(), 6);
        assert_eq!(weight(&filter(&rehearsal, &opposite)), weight(&expected));
    }

    #[test]
    fn a_memory_that_is_restored_goes_on_with_the_same_draws() {
        let replay = Replay::Logits {
            alpha: 1.0,
            beta: None,
        };
        let mut original = rehearsal(Scenario::Domain, replay);
        let tasks = original.tasks.clone();
        let network = network(2);
        let mut copy = None;
        for (step, batch) in Batch::of(&tasks, (0..64).collect(), 5).enumerate() {
            let go_on = |rehearsal: &mut Rehearsal| {
                let (loss, output) = rehearsal.loss(&network, &batch, Minibatch::First);
                rehearsal.remember(&batch, output.logits.inner());
                (loss.into_scalar::<f64>(), rehearsal.reservoir.clone())
            };
            let expected = go_on(&mut original);
            if let Some(copy) = &mut copy {
                assert_eq!(go_on(copy), expected);
            }
            if step == 4 {
                let stored = serde_json::to_string(&original.stored()).expect("plain data");
                let stored = serde_json::from_str(&stored).expect("it is read back");
                let fresh = rehearsal(Scenario::Domain, replay);
                copy = Some(fresh.restored(stored));
            }
        }
        assert!(copy.is_some());
    }
}
