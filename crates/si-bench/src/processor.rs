use std::fs;

/// Model of this machine's processor, as in `/proc/cpuinfo` on Linux. `None` on other systems, and if Linux does not name
/// it, as on many ARM boards.
pub fn processor() -> Option<String> {
    model(&fs::read_to_string("/proc/cpuinfo").ok()?)
}

/// The first `model name` in the text of `/proc/cpuinfo`.
fn model(cpuinfo: &str) -> Option<String> {
    cpuinfo
        .lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == "model name")
        .map(|(_, model)| model.trim().to_string())
        .filter(|model| !model.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_model_is_that_of_the_first_core_and_none_if_no_line_names_it() {
        let two_cores = "processor\t: 0\nmodel\t\t: 85\nmodel name\t: Some CPU: fast @ 2 GHz\n\n\
                         processor\t: 1\nmodel name\t: Another\n";
        assert_eq!(model(two_cores).as_deref(), Some("Some CPU: fast @ 2 GHz"));
        for unnamed in [
            "",
            "processor\t: 0\nBogoMIPS\t: 50.00\n",
            "model name\t: \n",
        ] {
            assert_eq!(model(unnamed), None);
        }
    }
}
