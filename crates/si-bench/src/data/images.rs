use crate::Error;

/// Images of one shape, each with the class that it shows.
#[derive(Clone, PartialEq, Eq)]
pub struct LabelledImages {
    pixels: Vec<u8>,
    labels: Vec<u8>,
    shape: [usize; 3],
    num_classes: usize,
}

/// The parts of [`LabelledImages`].
#[derive(Clone, Debug)]
pub struct ImageParts {
    /// Brightness of every pixel, 0 to 255, in the order `[images, channels, height, width]`.
    pub pixels: Vec<u8>,
    /// Class of every image, `[images]`, each below `num_classes`.
    pub labels: Vec<u8>,
    /// Shape of an image, `[channels, height, width]`, each ≥ 1.
    pub shape: [usize; 3],
    /// Number of classes, 1 to 256.
    pub num_classes: usize,
}

impl LabelledImages {
    /// Joins images and labels.
    ///
    /// # Errors
    ///
    /// [`Error::Images`] for a shape without pixels, lengths that do not match, a number of classes
    /// outside 1 to 256, or a label that is not below it.
    pub fn new(parts: ImageParts) -> Result<Self, Error> {
        let ImageParts {
            pixels,
            labels,
            shape,
            num_classes,
        } = parts;
        let invalid = |expected: String, found: String| Err(Error::Images { expected, found });
        let num_pixels = shape
            .iter()
            .try_fold(1_usize, |product, side| product.checked_mul(*side));
        let Some(num_pixels) = num_pixels.filter(|product| *product > 0) else {
            return invalid("a shape with pixels".to_string(), format!("{shape:?}"));
        };
        if num_classes == 0 || num_classes > MAX_CLASSES {
            return invalid(
                format!("1 to {MAX_CLASSES} classes"),
                num_classes.to_string(),
            );
        }
        if labels.len().checked_mul(num_pixels) != Some(pixels.len()) {
            return invalid(
                format!("{num_pixels} bytes for each of {} labels", labels.len()),
                format!("{} bytes", pixels.len()),
            );
        }
        if let Some((index, label)) = first_above(&labels, num_classes) {
            return invalid(
                format!("labels below {num_classes}"),
                format!("{label} for image {index}"),
            );
        }
        Ok(Self {
            pixels,
            labels,
            shape,
            num_classes,
        })
    }

    /// Number of images.
    pub fn len(&self) -> usize {
        self.labels.len()
    }

    /// Whether there is no image.
    pub fn is_empty(&self) -> bool {
        self.labels.is_empty()
    }

    /// Brightness of every pixel, 0 to 255, in the order `[images, channels, height, width]`.
    pub fn pixels(&self) -> &[u8] {
        &self.pixels
    }

    /// Pixels of image `index`, in the order `[channels, height, width]`; `None` past the end.
    pub fn image(&self, index: usize) -> Option<&[u8]> {
        self.pixels.chunks_exact(self.num_pixels()).nth(index)
    }

    /// Class of every image, `[images]`.
    pub fn labels(&self) -> &[u8] {
        &self.labels
    }

    /// Shape of an image, `[channels, height, width]`.
    pub fn shape(&self) -> [usize; 3] {
        self.shape
    }

    /// Number of pixels of an image, all channels together.
    pub fn num_pixels(&self) -> usize {
        self.shape.iter().product()
    }

    /// Mean and standard deviation of the brightness of all pixels, each 0 to 255. `None` without images.
    pub fn mean_and_deviation(&self) -> Option<[f64; 2]> {
        let mut counts = [0_u64; 256];
        for pixel in &self.pixels {
            counts[usize::from(*pixel)] += 1;
        }
        let num_pixels = self.pixels.len() as f64;
        let mean_of = |value: &dyn Fn(f64) -> f64| {
            let values = counts.iter().zip(0_u8..=255);
            let sum: f64 = values
                .map(|(count, byte)| *count as f64 * value(f64::from(byte)))
                .sum();
            sum / num_pixels
        };
        let mean = mean_of(&|byte| byte);
        let variance = mean_of(&|byte| (byte - mean).powi(2));
        (!self.is_empty()).then(|| [mean, variance.sqrt()])
    }

    /// Number of classes. Labels are below it.
    pub fn num_classes(&self) -> usize {
        self.num_classes
    }
}

impl std::fmt::Debug for LabelledImages {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter
            .debug_struct("LabelledImages")
            .field("len", &self.len())
            .field("shape", &self.shape)
            .field("num_classes", &self.num_classes)
            .finish_non_exhaustive()
    }
}

/// Index and value of the first label that is not below `num_classes`.
pub(super) fn first_above(labels: &[u8], num_classes: usize) -> Option<(usize, u8)> {
    labels
        .iter()
        .copied()
        .enumerate()
        .find(|(_, label)| usize::from(*label) >= num_classes)
}

/// A label is one byte.
const MAX_CLASSES: usize = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn images_are_cut_at_their_shape() {
        let images = LabelledImages::new(parts()).expect("valid parts");
        assert_eq!(images.len(), 3);
        assert_eq!(images.image(1), Some(&[4, 5, 6, 7][..]));
        assert_eq!(images.image(3), None);
    }

    #[test]
    fn mean_and_deviation_are_those_of_all_pixels() {
        let images = LabelledImages::new(parts()).expect("valid parts");
        let [mean, deviation] = images.mean_and_deviation().expect("there are images");
        // 0 to 11.
        assert_eq!(mean, 5.5);
        assert!((deviation.powi(2) - (12.0 * 12.0 - 1.0) / 12.0).abs() < 1e-12);
        let none = ImageParts {
            pixels: Vec::new(),
            labels: Vec::new(),
            ..parts()
        };
        let none = LabelledImages::new(none).expect("no images are images");
        assert_eq!(none.mean_and_deviation(), None);
    }

    #[test]
    fn parts_that_do_not_belong_together_are_refused() {
        type Damage = fn(&mut ImageParts);
        let cases: [(&str, Damage); 6] = [
            ("pixels", |parts| parts.pixels.truncate(11)),
            ("labels", |parts| parts.labels.push(0)),
            ("flat shape", |parts| parts.shape = [1, 0, 2]),
            ("huge shape", |parts| parts.shape = [usize::MAX, 2, 2]),
            ("no class", |parts| parts.num_classes = 0),
            ("label", |parts| parts.labels[2] = 2),
        ];
        for (name, damage) in cases {
            let mut parts = parts();
            damage(&mut parts);
            let result = LabelledImages::new(parts);
            assert!(matches!(result, Err(Error::Images { .. })), "{name}");
        }
    }

    fn parts() -> ImageParts {
        ImageParts {
            pixels: (0..12).collect(),
            labels: vec![0, 1, 1],
            shape: [1, 2, 2],
            num_classes: 2,
        }
    }
}
