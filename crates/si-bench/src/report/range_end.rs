/// How the best of several values that were `tried` is marked if a better one may lie beyond: `≥` if it is the largest of
/// them, and `≤` if it is the smallest.
pub(crate) fn range_end(tried: &[f64], best: f64) -> Option<&'static str> {
    let is_largest = tried.iter().all(|it| *it <= best);
    let is_smallest = tried.iter().all(|it| *it >= best);
    match (is_largest, is_smallest) {
        (true, false) => Some("≥"),
        (false, true) => Some("≤"),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_ends_of_a_range_are_marked() {
        let mark = |best| range_end(&[0.1, 10.0, 1.0], best);
        assert_eq!([0.1, 1.0, 10.0].map(mark), [Some("≤"), None, Some("≥")]);
        assert_eq!(range_end(&[1.0], 1.0), None);
    }
}
