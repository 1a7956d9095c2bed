use si_convolution::MaxPool;

#[test]
fn the_largest_number_of_each_window_remains_and_its_place_has_the_gradient() {
    for (window, size) in [
        ([2, 2], [4, 6]),
        ([2, 2], [30, 30]),
        ([2, 2], [13, 13]),
        ([2, 2], [5, 37]),
        ([3, 3], [10, 11]),
        ([2, 3], [7, 7]),
        ([1, 1], [3, 3]),
        ([4, 1], [9, 2]),
    ] {
        for num_planes in [0, 1, 5, 40] {
            let pool = MaxPool { window };
            // Many are equal, so that the first one matters.
            let images: Vec<f32> = (0..num_planes * size[0] * size[1])
                .map(|index: usize| (index * index % 23 / 3) as f32 - 4.0)
                .collect();
            let output_size = [0, 1].map(|axis| size[axis] / window[axis]);
            let output = pool.forward(size, &images);
            let gradient: Vec<f32> = (1..=output.len()).map(|index| index as f32).collect();
            let gradients = pool.backward(size, &images, &gradient);

            let mut expected = vec![];
            let mut expected_gradients = vec![0.0; images.len()];
            for plane in 0..num_planes {
                for row in 0..output_size[0] {
                    for column in 0..output_size[1] {
                        let mut largest = None;
                        for y in row * window[0]..(row + 1) * window[0] {
                            for x in column * window[1]..(column + 1) * window[1] {
                                let index = (plane * size[0] + y) * size[1] + x;
                                if largest.is_none_or(|other| images[index] > images[other]) {
                                    largest = Some(index);
                                }
                            }
                        }
                        let largest = largest.expect("a window has numbers");
                        expected.push(images[largest]);
                        expected_gradients[largest] = expected.len() as f32;
                    }
                }
            }
            assert_eq!(output, expected, "{window:?} of {size:?}");
            assert_eq!(gradients, expected_gradients, "{window:?} of {size:?}");
        }
    }
}

#[test]
fn what_is_not_a_number_is_the_largest() {
    for window in [[2, 2], [1, 4]] {
        let size = [window[0] * 2, window[1] * 12];
        let pool = MaxPool { window };
        for position in 0..4 {
            let mut images = vec![1.0; size[0] * size[1]];
            let (row, column) = (position / window[1], position % window[1]);
            images[row * size[1] + column] = f32::NAN;
            let output = pool.forward(size, &images);
            assert!(output[0].is_nan() && output[1..].iter().all(|number| *number == 1.0));
            let gradients = pool.backward(size, &images, &vec![1.0; output.len()]);
            assert_eq!(gradients[row * size[1] + column], 1.0);
            assert_eq!(gradients.iter().sum::<f32>(), output.len() as f32);
        }
    }
}

#[test]
fn a_window_larger_than_a_plane_has_no_output() {
    assert_eq!(MaxPool { window: [2, 2] }.output_size([1, 4]), None);
    assert_eq!(MaxPool { window: [0, 2] }.output_size([4, 4]), None);
    assert_eq!(MaxPool { window: [2, 2] }.output_size([5, 4]), Some([2, 2]));
}
