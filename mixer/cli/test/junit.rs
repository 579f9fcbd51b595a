//! The report of a test in the format of `JUnit`, as CI systems read it.

use promemu_core::error::Error;
use promemu_core::verdict::Outcome;
use quick_junit::{NonSuccessKind, Report as JunitReport, TestCase, TestCaseStatus, TestSuite};

use super::report::{Judged, Report, Unjudged};

/// A test suite for each report.
pub(super) fn text(reports: &[Judged]) -> Result<String, Error> {
    let mut junit = JunitReport::new("promemu test");
    junit.add_test_suites(reports.iter().map(|report| report.as_ref().map_or_else(unjudged, suite)));
    junit.to_string().map_err(|error| Error::Run(format!("the report for CI cannot be written: {error}")))
}

/// A test suite with a case for each verdict: an undecided one is an error.
fn suite(report: &Report) -> TestSuite {
    let config = &report.name;
    let mut suite = TestSuite::new(config.as_str());
    for judgement in &report.judgements {
        let status = |kind| {
            let mut status = TestCaseStatus::non_success(kind);
            status.set_message(judgement.findings.join("; "));
            status.set_description(format!("{}\n{}", judgement.findings.join("\n"), judgement.query));
            status
        };
        let status = match judgement.outcome {
            Outcome::Passed => TestCaseStatus::success(),
            Outcome::Failed => status(NonSuccessKind::Failure),
            Outcome::Undecided => status(NonSuccessKind::Error),
        };
        let mut case = TestCase::new(judgement.verdict.as_str(), status);
        case.set_classname(config.as_str());
        suite.add_test_case(case);
    }
    suite
}

/// A test suite with an error in place of the cases of its verdicts.
fn unjudged(Unjudged { name, why }: &Unjudged) -> TestSuite {
    let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
    status.set_message(why.to_string());
    let (mut suite, mut case) = (TestSuite::new(name.as_str()), TestCase::new("it can be judged", status));
    case.set_classname(name.as_str());
    suite.add_test_case(case);
    suite
}
