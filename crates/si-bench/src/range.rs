use core::fmt;

/// The values that a number can have: that of a setting, or that of a method's parameter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Range {
    /// Above 0.
    Positive,
    /// 0 or above.
    NonNegative,
    /// Above 0, at most 1.
    Share,
    /// 0 or above, below 1.
    Fraction,
    /// Above 0, below 1.
    ProperShare,
    /// A whole number from 0.
    Whole,
    /// A whole number from 1.
    Count,
    /// A list of whole numbers from 1.
    Counts,
    /// A whole number from 2 to 1000.
    Several,
    /// One of some words. The value is the word's place among them.
    OneOf(&'static [&'static str]),
}

impl Range {
    /// Whether `value` is in it.
    pub fn contains(self, value: f64) -> bool {
        value.is_finite()
            && match self {
                Range::Positive => value > 0.0,
                Range::NonNegative => value >= 0.0,
                Range::Share => value > 0.0 && value <= 1.0,
                Range::Fraction => (0.0..1.0).contains(&value),
                Range::ProperShare => value > 0.0 && value < 1.0,
                Range::Whole => value >= 0.0 && value.fract() == 0.0,
                Range::Count | Range::Counts => value >= 1.0 && value.fract() == 0.0,
                Range::OneOf(words) => (0..words.len()).any(|place| place as f64 == value),
                Range::Several => (2.0..=1000.0).contains(&value) && value.fract() == 0.0,
            }
    }

    /// Whether it has only whole numbers.
    pub(crate) fn is_whole(self) -> bool {
        matches!(
            self,
            Range::Whole | Range::Count | Range::Counts | Range::Several
        )
    }

    /// Its limits alone, such as `> 0`. Words have none.
    pub fn limits(self) -> &'static str {
        match self {
            Range::Positive => "> 0",
            Range::NonNegative | Range::Whole => "≥ 0",
            Range::Share => "in (0, 1]",
            Range::Fraction => "in [0, 1)",
            Range::ProperShare => "in (0, 1)",
            Range::Count | Range::Counts => "≥ 1",
            Range::Several => "from 2 to 1000",
            Range::OneOf(_) => "",
        }
    }
}

impl fmt::Display for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Range::OneOf(words) = self {
            return write!(f, "one of {}", words.join(", "));
        }
        let kind = match self {
            Range::Whole | Range::Count | Range::Several => "a whole number",
            Range::Counts => "whole numbers",
            _ => "a number",
        };
        write!(f, "{kind} {}", self.limits())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_range_contains_its_limits_only_if_they_are_closed() {
        for (range, zero, one) in [
            (Range::Positive, false, true),
            (Range::NonNegative, true, true),
            (Range::Share, false, true),
            (Range::Fraction, true, false),
            (Range::ProperShare, false, false),
            (Range::Whole, true, true),
            (Range::Count, false, true),
            (Range::Counts, false, true),
            (Range::Several, false, false),
        ] {
            assert_eq!(range.contains(0.0), zero, "{range}");
            assert_eq!(range.contains(1.0), one, "{range}");
            for outside in [-1.0, f64::NAN, f64::INFINITY] {
                assert!(!range.contains(outside), "{range} contains {outside}");
            }
        }
    }

    #[test]
    fn a_count_is_whole() {
        for (value, is_in) in [(2.0, true), (2.5, false)] {
            assert_eq!(Range::Whole.contains(value), is_in, "{value}");
            assert_eq!(Range::Count.contains(value), is_in, "{value}");
            assert_eq!(Range::Counts.contains(value), is_in, "{value}");
        }
    }

    #[test]
    fn a_word_is_its_place() {
        let range = Range::OneOf(&["on", "off"]);
        for (value, is_in) in [(0.0, true), (1.0, true), (0.5, false), (2.0, false)] {
            assert_eq!(range.contains(value), is_in, "{value}");
        }
    }

    #[test]
    fn several_are_whole_and_have_both_limits() {
        for (value, is_in) in [(2.0, true), (1000.0, true), (2.5, false), (1001.0, false)] {
            assert_eq!(Range::Several.contains(value), is_in, "{value}");
        }
    }

    #[test]
    fn it_is_shown_as_it_completes_a_sentence() {
        assert_eq!(Range::Fraction.to_string(), "a number in [0, 1)");
        assert_eq!(Range::Whole.to_string(), "a whole number ≥ 0");
        assert_eq!(Range::Count.to_string(), "a whole number ≥ 1");
        assert_eq!(Range::OneOf(&["on", "off"]).to_string(), "one of on, off");
        assert_eq!(Range::Counts.to_string(), "whole numbers ≥ 1");
        assert_eq!(Range::Several.to_string(), "a whole number from 2 to 1000");
    }
}
