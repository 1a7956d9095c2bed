//! The rate of `gemm` on one thread at a convolution's shapes, next to a large product.
#![expect(clippy::print_stdout, reason = "a benchmark prints its results")]
#![expect(unsafe_code, reason = "`gemm` takes pointers")]

mod timing;

use gemm::Parallelism;

use timing::{Clock, time};

/// A product `[m, k] × [k, n]`, whose lhs has rows that start `row_stride` numbers apart.
#[derive(Clone, Copy)]
struct Shape {
    m: usize,
    k: usize,
    n: usize,
    row_stride: usize,
    accumulates: bool,
}

fn main() {
    let mut shapes = vec![plain(1024, 1024, 1024, false)];
    for (k, n) in [
        (27, 32),
        (96, 32),
        (288, 32),
        (192, 64),
        (288, 64),
        (576, 64),
    ] {
        for m in [900, 7200] {
            shapes.push(plain(m, k, n, false));
            shapes.push(plain(m, k, n, true));
        }
    }
    // A row of a window of 3 pixels of c channels side by side: rows overlap. From a row of an output to a whole image.
    for (c, n) in [(3, 32), (32, 32), (32, 64), (64, 64), (256, 256)] {
        for m in [4, 8, 13, 16, 32, 225, 900] {
            let (k, row_stride) = (3 * c, c);
            shapes.push(Shape {
                m,
                k,
                n,
                row_stride,
                accumulates: true,
            });
        }
    }
    let rates = rates(&shapes);
    let best = rates[0];
    println!("m k n row_stride accumulates GFLOP/s (of the large product)");
    for (shape, rate) in shapes.iter().zip(rates) {
        println!(
            "{:5} {:5} {:5} {:5} {:5} {rate:6.1} ({:.2})",
            shape.m,
            shape.k,
            shape.n,
            shape.row_stride,
            shape.accumulates,
            rate / best
        );
    }
}

fn plain(m: usize, k: usize, n: usize, accumulates: bool) -> Shape {
    Shape {
        m,
        k,
        n,
        row_stride: k,
        accumulates,
    }
}

/// The fastest of short runs that take turns, which other programs disturb least.
fn rates(shapes: &[Shape]) -> Vec<f64> {
    let mut operands: Vec<_> = shapes
        .iter()
        .map(|s| {
            let lhs: Vec<f32> = (0..s.m * s.row_stride + s.k)
                .map(|i| (i % 17) as f32 - 8.0)
                .collect();
            let rhs: Vec<f32> = (0..s.k * s.n).map(|i| (i % 13) as f32 * 1e-3).collect();
            (lhs, rhs, vec![0.0f32; s.m * s.n])
        })
        .collect();
    let mut rates = vec![0.0_f64; shapes.len()];
    for _ in 0..25 {
        for ((s, (lhs, rhs, out)), rate) in shapes.iter().zip(&mut operands).zip(&mut rates) {
            let flop = 2.0 * (s.m * s.k * s.n) as f64;
            let repeats = (5e7 / flop).ceil();
            product(*s, lhs, rhs, out);
            let seconds = time(Clock::Wall, || {
                for _ in 0..repeats as usize {
                    product(*s, lhs, rhs, out);
                }
            });
            *rate = rate.max(repeats * flop * 1e-9 / seconds);
        }
    }
    rates
}

fn product(s: Shape, lhs: &[f32], rhs: &[f32], out: &mut [f32]) {
    // SAFETY: the operands are as long as `rates` makes them for this shape.
    unsafe {
        gemm::gemm(
            s.m,
            s.n,
            s.k,
            out.as_mut_ptr(),
            1,
            s.n as isize,
            s.accumulates,
            lhs.as_ptr(),
            1,
            s.row_stride as isize,
            rhs.as_ptr(),
            1,
            s.n as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            Parallelism::None,
        );
    }
}
