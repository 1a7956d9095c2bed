use std::sync::Arc;

use burn::data::dataloader::{DataLoader, DataLoaderIterator, Progress};
use burn::data::dataset::DatasetError;
use burn::tensor::Device;

/// The minibatches of several tasks, one task after the other. A minibatch has items of one task only.
pub(super) struct TaskLoader<B> {
    tasks: Vec<Arc<dyn DataLoader<B>>>,
}

impl<B> TaskLoader<B> {
    pub(super) fn new(tasks: Vec<Arc<dyn DataLoader<B>>>) -> Self {
        Self { tasks }
    }
}

impl<B: 'static> DataLoader<B> for TaskLoader<B> {
    fn iter<'a>(&'a self) -> Box<dyn DataLoaderIterator<B> + 'a> {
        Box::new(TaskIterator {
            waiting: self.tasks.iter(),
            current: None,
            num_finished: 0,
            num_items: self.num_items(),
        })
    }

    fn num_items(&self) -> usize {
        self.tasks.iter().map(|task| task.num_items()).sum()
    }

    fn to_device(&self, device: &Device) -> Arc<dyn DataLoader<B>> {
        let tasks = self.tasks.iter().map(|task| task.to_device(device));
        Arc::new(Self::new(tasks.collect()))
    }

    fn slice(&self, start: usize, end: usize) -> Arc<dyn DataLoader<B>> {
        let mut first = 0;
        let mut tasks = Vec::new();
        for task in &self.tasks {
            let num_items = task.num_items();
            let within = |index: usize| index.clamp(first, first + num_items) - first;
            let (from, to) = (within(start), within(end));
            if from < to {
                tasks.push(task.slice(from, to));
            }
            first += num_items;
        }
        Arc::new(Self::new(tasks))
    }
}

struct TaskIterator<'a, B> {
    waiting: core::slice::Iter<'a, Arc<dyn DataLoader<B>>>,
    current: Option<CurrentTask<'a, B>>,
    /// Number of items in the tasks that are finished.
    num_finished: usize,
    /// Number of items in all tasks.
    num_items: usize,
}

struct CurrentTask<'a, B> {
    minibatches: Box<dyn DataLoaderIterator<B> + 'a>,
    num_items: usize,
}

impl<B> Iterator for TaskIterator<'_, B> {
    type Item = Result<B, DatasetError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(task) = &mut self.current {
                if let Some(minibatch) = task.minibatches.next() {
                    return Some(minibatch);
                }
                self.num_finished += task.num_items;
            }
            self.current = self.waiting.next().map(|task| CurrentTask {
                minibatches: task.iter(),
                num_items: task.num_items(),
            });
            self.current.as_ref()?;
        }
    }
}

impl<B> DataLoaderIterator<B> for TaskIterator<'_, B> {
    /// After a minibatch, the number of items processed is greater than that of the finished tasks, and at most that of
    /// the finished tasks and the current one. So it says which task the minibatch belongs to, if the task's loader counts
    /// in items, as Burn's do.
    fn progress(&self) -> Progress {
        let in_task = self.current.as_ref().map_or(0, |task| {
            let processed = task.minibatches.progress().items_processed;
            processed.max(1).min(task.num_items)
        });
        Progress {
            items_processed: self.num_finished + in_task,
            items_total: self.num_items,
            unit: Some("items".to_string()),
        }
    }
}

#[cfg(test)]
mod tests {
    use burn::data::dataloader::DataLoaderBuilder;
    use burn::data::dataloader::batcher::Batcher;
    use burn::data::dataset::InMemDataset;

    use super::*;

    struct Items;

    impl Batcher<usize, Vec<usize>> for Items {
        fn batch(&self, items: Vec<usize>, _device: &Device) -> Vec<usize> {
            items
        }
    }

    /// Tasks with the items 0 to 4, 5 to 6, and 7 to 10, in minibatches of two.
    fn loader() -> TaskLoader<Vec<usize>> {
        let task = |items: core::ops::Range<usize>| -> Arc<dyn DataLoader<Vec<usize>>> {
            DataLoaderBuilder::new(Items)
                .batch_size(2)
                .set_device(crate::test_device::device())
                .build(InMemDataset::new(items.collect()))
        };
        TaskLoader::new(vec![task(0..5), task(5..7), task(7..11)])
    }

    fn minibatches(loader: &dyn DataLoader<Vec<usize>>) -> Vec<(Vec<usize>, usize)> {
        let mut iterator = loader.iter();
        let mut all = Vec::new();
        while let Some(minibatch) = iterator.next() {
            let minibatch = minibatch.expect("it is in memory");
            all.push((minibatch, iterator.progress().items_processed));
        }
        assert!(iterator.progress().is_completed());
        all
    }

    #[test]
    fn tasks_follow_each_other_and_share_no_minibatch() {
        let expected = [
            (vec![0, 1], 2),
            (vec![2, 3], 4),
            (vec![4], 5),
            (vec![5, 6], 7),
            (vec![7, 8], 9),
            (vec![9, 10], 11),
        ];
        assert_eq!(minibatches(&loader()), expected);
        let elsewhere = loader().to_device(&crate::test_device::device());
        assert_eq!(minibatches(&*elsewhere), expected);
        assert_eq!(loader().num_items(), 11);
    }

    #[test]
    fn slice_has_the_items_between_its_ends() {
        for (start, end) in [(0, 11), (3, 8), (5, 7), (6, 6), (10, 11)] {
            let slice = loader().slice(start, end);
            assert_eq!(slice.num_items(), end - start);
            let items: Vec<usize> = minibatches(&*slice)
                .into_iter()
                .flat_map(|(items, _)| items)
                .collect();
            assert_eq!(items, (start..end).collect::<Vec<_>>());
        }
    }
}
