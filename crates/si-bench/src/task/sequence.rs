use std::{ops::Range, sync::Arc};

use crate::{Error, data::LabelledImages, experiment::Scenario};

use super::{ImageDataset, Task};

/// Tasks for one network, in the order of learning.
#[derive(Clone, Debug)]
pub struct TaskSequence {
    /// Its name in sentences and figures.
    pub name: String,
    /// The tasks, at least one.
    pub tasks: Vec<Task>,
    /// Number of outputs that the network needs.
    pub num_outputs: usize,
    /// Shape of an image, `[channels, height, width]`.
    pub image_shape: [usize; 3],
}

impl TaskSequence {
    /// Splits a data set by class: a task for every entry of `classes_per_task`, with the images
    /// of these classes.
    ///
    /// Outputs follow the order of `classes_per_task`. In [`Scenario::Task`] and
    /// [`Scenario::Class`], every class has its own output. In [`Scenario::Domain`], the tasks
    /// share their outputs, one for each class of a task, and a label is the position of a class
    /// within its task.
    ///
    /// # Errors
    ///
    /// [`Error::Tasks`] if there is no task; if a task has no class; if a class is not in the data
    /// set, occurs twice or has no image; if tasks share their outputs but differ in size; and if
    /// training and test images do not match.
    pub fn split(
        train: &Arc<LabelledImages>,
        test: &Arc<LabelledImages>,
        classes_per_task: &[Vec<usize>],
        scenario: Scenario,
    ) -> Result<Self, Error> {
        check(train, test, classes_per_task, scenario)?;
        let mut num_outputs = 0;
        let mut tasks = Vec::with_capacity(classes_per_task.len());
        for classes in classes_per_task {
            let outputs = match scenario {
                Scenario::Task | Scenario::Class => num_outputs..num_outputs + classes.len(),
                Scenario::Domain => 0..classes.len(),
            };
            num_outputs = outputs.end;
            tasks.push(task(train, test, classes, outputs, scenario));
        }
        Ok(Self {
            name: "split".to_string(),
            tasks,
            num_outputs,
            image_shape: train.shape(),
        })
    }

    /// A task for every entry of `pixel_orders`. Each has all images, with their pixels in this
    /// order. `None` keeps the original order.
    ///
    /// In [`Scenario::Domain`], the tasks share their outputs, one per class. Otherwise each task
    /// has its own outputs.
    ///
    /// # Errors
    ///
    /// [`Error::Tasks`] if there is no task, and if training and test images do not match.
    pub fn permuted(
        train: &Arc<LabelledImages>,
        test: &Arc<LabelledImages>,
        pixel_orders: &[Option<Arc<[usize]>>],
        scenario: Scenario,
    ) -> Result<Self, Error> {
        let classes: Vec<usize> = (0..train.num_classes()).collect();
        let whole = Self::split(train, test, &[classes], scenario)?;
        let mut sequence = Self {
            name: "permuted".to_string(),
            tasks: Vec::with_capacity(pixel_orders.len()),
            num_outputs: 0,
            ..whole.clone()
        };
        for (index, order) in pixel_orders.iter().enumerate() {
            let mut next = whole.clone();
            for task in &mut next.tasks {
                task.name = format!("permutation {}", index + 1);
                if let Some(order) = order {
                    task.train = task.train.clone().with_pixel_order(Arc::clone(order));
                    task.test = task.test.clone().with_pixel_order(Arc::clone(order));
                }
            }
            sequence = sequence.followed_by(next, scenario);
        }
        if sequence.tasks.is_empty() {
            Err(Error::Tasks {
                expected: "at least one task".to_string(),
                found: "none".to_string(),
            })
        } else {
            Ok(sequence)
        }
    }

    /// These tasks, then those of `other`, whose images must have the same shape. Except in
    /// [`Scenario::Domain`], the outputs of `other` follow those of `self`.
    pub(super) fn followed_by(mut self, other: Self, scenario: Scenario) -> Self {
        let offset = match scenario {
            Scenario::Domain => 0,
            Scenario::Task | Scenario::Class => self.num_outputs,
        };
        self.num_outputs = self.num_outputs.max(offset + other.num_outputs);
        self.tasks.extend(other.tasks.into_iter().map(|task| Task {
            outputs: task.outputs.start + offset..task.outputs.end + offset,
            train: task.train.with_labels_from(offset),
            test: task.test.with_labels_from(offset),
            held_out: task.held_out.map(|it| it.with_labels_from(offset)),
            ..task
        }));
        self
    }

    /// The first tasks, at most `count`, for a network with as many outputs as they need.
    pub fn first(mut self, count: usize) -> Self {
        self.tasks.truncate(count);
        let outputs = self.tasks.iter().map(|task| task.outputs.end);
        self.num_outputs = outputs.max().unwrap_or(0);
        self
    }

    /// The same tasks under another name.
    pub fn with_name(self, name: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            ..self
        }
    }
}

fn task(
    train: &Arc<LabelledImages>,
    test: &Arc<LabelledImages>,
    classes: &[usize],
    outputs: Range<usize>,
    scenario: Scenario,
) -> Task {
    let label_of = |class: usize| {
        let position = classes.iter().position(|of_task| *of_task == class)?;
        Some(outputs.start + position)
    };
    let names: Vec<String> = classes.iter().map(usize::to_string).collect();
    Task {
        name: names.join("/"),
        classes: classes.to_vec(),
        train: ImageDataset::new(train, label_of),
        test: ImageDataset::new(test, label_of),
        held_out: None,
        outputs,
        scenario,
    }
}

fn check(
    train: &LabelledImages,
    test: &LabelledImages,
    classes_per_task: &[Vec<usize>],
    scenario: Scenario,
) -> Result<(), Error> {
    let expect = |is_so: bool, expected: &str, found: String| {
        if is_so {
            Ok(())
        } else {
            Err(Error::Tasks {
                expected: expected.to_string(),
                found,
            })
        }
    };
    expect(
        train.shape() == test.shape() && train.num_classes() == test.num_classes(),
        "training and test images of the same shape and with the same classes",
        format!(
            "shapes {:?} and {:?}, {} and {} classes",
            train.shape(),
            test.shape(),
            train.num_classes(),
            test.num_classes()
        ),
    )?;
    let Some(first) = classes_per_task.first() else {
        return expect(false, "at least one task", "none".to_string());
    };
    let (in_train, in_test) = (classes_in(train), classes_in(test));
    let mut is_used = vec![false; train.num_classes()];
    for (index, classes) in classes_per_task.iter().enumerate() {
        expect(
            !classes.is_empty(),
            "at least one class in every task",
            format!("none in task {index}"),
        )?;
        expect(
            scenario != Scenario::Domain || classes.len() == first.len(),
            "the same number of classes in every task if tasks share their outputs",
            format!("{} and {}", first.len(), classes.len()),
        )?;
        for &class in classes {
            let Some(is_used) = is_used.get_mut(class) else {
                let expected = format!("classes below {}", train.num_classes());
                return expect(false, &expected, class.to_string());
            };
            expect(!*is_used, "every class once", format!("{class} twice"))?;
            *is_used = true;
            expect(
                in_train[class] && in_test[class],
                "classes with training and test images",
                format!("{class}, which has none"),
            )?;
        }
    }
    Ok(())
}

/// Whether there is an image of each class, `[classes]`.
fn classes_in(images: &LabelledImages) -> Vec<bool> {
    let mut is_there = vec![false; images.num_classes()];
    for label in images.labels() {
        is_there[usize::from(*label)] = true;
    }
    is_there
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task::testing::tiny_images;

    #[test]
    fn every_scenario_has_its_outputs_and_labels() {
        let images = tiny_images();
        let classes = [vec![3, 1], vec![0, 2]];
        for (scenario, num_outputs, labels, outputs) in [
            (Scenario::Task, 4, [2, 3], 2..4),
            (Scenario::Class, 4, [2, 3], 2..4),
            (Scenario::Domain, 2, [0, 1], 0..2),
        ] {
            let sequence = TaskSequence::split(&images, &images, &classes, scenario)
                .expect("four classes in two tasks");
            assert_eq!(sequence.num_outputs, num_outputs);
            let [first, second] = &sequence.tasks[..] else {
                panic!("{} tasks", sequence.tasks.len());
            };
            assert_eq!(second.name, "0/2");
            assert_eq!(second.outputs, outputs);
            assert_eq!(
                second.train.labels().collect::<Vec<_>>(),
                [labels[0], labels[1], labels[0], labels[1]]
            );
            assert_eq!(first.test.labels().collect::<Vec<_>>(), [1, 0, 1, 0]);
        }
    }

    #[test]
    fn splits_that_make_no_sense_are_refused() {
        let images = tiny_images();
        let cases = [
            (vec![], "at least one task"),
            (vec![vec![0], vec![]], "none in task 1"),
            (vec![vec![0, 4]], "classes below 4, got 4"),
            (vec![vec![0, 1], vec![1, 2]], "1 twice"),
            (vec![vec![0, 1], vec![2]], "got 2 and 1"),
        ];
        for (classes, expected) in cases {
            let error = TaskSequence::split(&images, &images, &classes, Scenario::Domain)
                .expect_err(expected)
                .to_string();
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn permuted_tasks_share_images_and_in_the_domain_scenario_outputs_too() {
        let images = tiny_images();
        let orders = [None, Some([1, 0].into())];
        for (scenario, num_outputs, outputs) in
            [(Scenario::Domain, 4, 0..4), (Scenario::Task, 8, 4..8)]
        {
            let sequence = TaskSequence::permuted(&images, &images, &orders, scenario)
                .expect("two orders of two pixels");
            let [first, second] = &sequence.tasks[..] else {
                panic!("{} tasks", sequence.tasks.len());
            };
            assert_eq!(sequence.num_outputs, num_outputs);
            assert_eq!(second.outputs, outputs);
            assert_eq!(second.train.labels().next(), Some(outputs.start));
            assert!(first.train.shares_images(&second.train));
        }
        let error = TaskSequence::permuted(&images, &images, &[], Scenario::Domain);
        assert!(error.is_err());
    }

    #[test]
    fn tasks_of_different_sizes_can_have_their_own_outputs() {
        let images = tiny_images();
        let classes = [vec![0, 1, 3], vec![2]];
        let sequence = TaskSequence::split(&images, &images, &classes, Scenario::Class)
            .expect("outputs for every class");
        assert_eq!(sequence.num_outputs, 4);
        assert_eq!(sequence.tasks[1].outputs, 3..4);
    }
}
