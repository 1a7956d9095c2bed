use std::ops::Range;

use burn::tensor::{Device, Tensor, TensorData};

use crate::experiment::Scenario;

use super::ImageDataset;

/// One task of a sequence: some classes and the outputs of the network that distinguish them.
#[derive(Clone, Debug)]
pub struct Task {
    /// Its classes, as shown in figures: `0/1`.
    pub name: String,
    /// Its classes in the data set, in the order of `outputs`.
    pub classes: Vec<usize>,
    /// The outputs of its classes. The labels of `train` and `test` are among them.
    pub outputs: Range<usize>,
    /// What the network is told about the task.
    pub scenario: Scenario,
    /// Images to train on.
    pub train: ImageDataset,
    /// Images to test on.
    pub test: ImageDataset,
    /// Training images that are not trained on, to choose settings on while the task is learnt.
    pub held_out: Option<ImageDataset>,
}

impl Task {
    /// Holds out the last `count` of the images to train on.
    pub fn hold_out(&mut self, count: usize) {
        let (train, held_out) = self.train.split_off_last(count);
        self.train = train;
        self.held_out = Some(held_out);
    }

    /// Standardises the brightness of all images by that of the data set that `train` is a part of.
    pub fn standardize(&mut self) {
        let reference = self.train.clone();
        let images = [
            Some(&mut self.train),
            Some(&mut self.test),
            self.held_out.as_mut(),
        ];
        for images in images.into_iter().flatten() {
            *images = images.clone().standardized_by(&reference);
        }
    }

    /// The outputs that the network chooses from: those of this task if it is told the task, otherwise all.
    pub fn seen_outputs(&self, num_outputs: usize) -> Range<usize> {
        match self.scenario {
            Scenario::Task => self.outputs.clone(),
            Scenario::Domain | Scenario::Class => 0..num_outputs,
        }
    }

    /// What to add to the logits `[batch, outputs]` before the softmax: 0 for the outputs of this
    /// task and −1e32 for the others, `[outputs]`. `None` if the network is not told the task.
    pub fn output_mask(&self, num_outputs: usize, device: &Device) -> Option<Tensor<1>> {
        match self.scenario {
            Scenario::Task => {
                let mask: Vec<f32> = (0..num_outputs)
                    .map(|output| {
                        if self.outputs.contains(&output) {
                            0.0
                        } else {
                            MASKED
                        }
                    })
                    .collect();
                let mask = TensorData::new(mask, [num_outputs]);
                Some(Tensor::from_data(mask, device))
            }
            Scenario::Domain | Scenario::Class => None,
        }
    }
}

/// The authors' value. After the softmax, any logit plus this value has probability 0.
const MASKED: f32 = -1e32;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::{TaskSequence, testing::tiny_images};

    #[test]
    fn only_a_known_task_masks_the_outputs_of_the_others() {
        let images = tiny_images();
        let device = Device::flex();
        for scenario in [Scenario::Task, Scenario::Domain, Scenario::Class] {
            let classes = [vec![0, 1], vec![2, 3]];
            let sequence = TaskSequence::split(&images, &images, &classes, scenario)
                .expect("four classes in two tasks");
            let mask = sequence.tasks[1].output_mask(sequence.num_outputs, &device);
            let mask: Option<Vec<f32>> = mask.map(|mask| mask.into_data().iter().collect());
            let expected = (scenario == Scenario::Task).then(|| vec![-1e32, -1e32, 0.0, 0.0]);
            assert_eq!(mask, expected);
            let all = 0..sequence.num_outputs;
            let seen = if scenario == Scenario::Task {
                2..4
            } else {
                all
            };
            assert_eq!(sequence.tasks[1].seen_outputs(sequence.num_outputs), seen);
        }
    }
}
