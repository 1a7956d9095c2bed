use super::Claim;
use crate::metrics::{Claimed, Difference, Verdict};
use crate::report::{number, percent};

/// The verdict in words.
pub(crate) fn verdict(verdict: Verdict) -> &'static str {
    match verdict {
        Verdict::Holds => "holds",
        Verdict::Fails => "does not hold",
        Verdict::Undecided => "undecided",
        Verdict::HoldsOnce => "holds in one run",
        Verdict::FailsOnce => "does not hold in one run",
    }
}

/// The cells of a claim, in points (shares times a hundred).
pub(crate) fn cells(claim: &Claim) -> [String; 6] {
    let Difference { mean, interval } = claim.difference;
    [
        claim.statement.clone(),
        claim.measure.clone(),
        format!("{} (n = {})", percent(Some(claim.ours)), claim.ours.n),
        claim.paper.map_or("–".to_string(), number),
        match interval {
            Some((low, high)) => {
                format!(
                    "{} [{}, {}] {}",
                    number(mean),
                    number(low),
                    number(high),
                    claimed(claim)
                )
            }
            None => format!("{} {}", number(mean), claimed(claim)),
        },
        verdict(claim.verdict).to_string(),
    ]
}

/// The header of [`cells`], in which `theirs` is that of the number of a publication.
pub(crate) fn header(theirs: &str) -> [String; 6] {
    [
        "claim",
        "measured",
        "ours, in points",
        theirs,
        "difference [90 %], and what is claimed of it",
        "verdict",
    ]
    .map(str::to_string)
}

fn claimed(claim: &Claim) -> String {
    match claim.claimed {
        Claimed::Above(limit) => format!("> {}", number(limit)),
        Claimed::Below(limit) => format!("< {}", number(limit)),
        Claimed::Within(margin) => format!("within ± {}", number(margin)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_claim_that_rests_on_one_run_says_so() {
        let words = |value: f64| {
            let claim = Claim::about("claim", "measure", &[value], Claimed::Above(0.5));
            cells(&claim.expect("a value"))[5].clone()
        };
        assert_eq!(words(0.75), "holds in one run");
        assert_eq!(words(0.25), "does not hold in one run");
    }
}
