/// One of the two parts of a data set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// To train on.
    Train,
    /// To test on.
    Test,
}

/// Pixels and labels collected from files. A file may have only one of the two.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RawImages {
    /// `[images, channels, height, width]`.
    pub(super) pixels: Vec<u8>,
    /// `[images]`.
    pub(super) labels: Vec<u8>,
}

/// What has been collected of both parts.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct RawSplits {
    pub(super) train: RawImages,
    pub(super) test: RawImages,
}

impl RawSplits {
    pub(super) fn part(&mut self, split: Split) -> &mut RawImages {
        match split {
            Split::Train => &mut self.train,
            Split::Test => &mut self.test,
        }
    }

    /// Appends the images of `next`.
    pub(super) fn append(&mut self, next: RawSplits) {
        for (here, next) in [(&mut self.train, next.train), (&mut self.test, next.test)] {
            extend(&mut here.pixels, next.pixels);
            extend(&mut here.labels, next.labels);
        }
    }
}

/// Makes no copy if `bytes` is empty: a training set may take most of the process's memory.
fn extend(bytes: &mut Vec<u8>, next: Vec<u8>) {
    if bytes.is_empty() {
        *bytes = next;
    } else {
        bytes.extend(next);
    }
}
