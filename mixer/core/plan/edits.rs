//! Plans with one host added or removed.

use std::sync::Arc;

use super::run::{HostPlan, Plan};

impl Plan {
    /// The plan with one more host, in the job of `template` and with its shape.
    #[must_use]
    pub fn with_host(&self, host: HostPlan, template: u32) -> Self {
        let mut plan = self.clone();
        let id = u32::try_from(plan.hosts.len()).unwrap_or(u32::MAX);
        // Hosts of one shape are neighbours.
        for job in &mut plan.jobs {
            if let Some(place) = job.hosts.iter().position(|host| *host == template) {
                job.hosts.insert(place + 1, id);
            }
        }
        plan.hosts.push(Arc::new(host));
        plan
    }

    /// The plan without one of its hosts; a job without hosts goes, too.
    #[must_use]
    pub fn without_host(&self, id: u32) -> Self {
        let mut plan = self.clone();
        plan.hosts.remove(id as usize);
        let mut kept_jobs = Vec::with_capacity(plan.jobs.len());
        let mut places = Vec::with_capacity(plan.jobs.len());
        for mut job in std::mem::take(&mut plan.jobs) {
            job.hosts.retain(|host| *host != id);
            job.hosts.iter_mut().filter(|host| **host > id).for_each(|host| *host -= 1);
            places.push(kept_jobs.len());
            if !job.hosts.is_empty() {
                kept_jobs.push(job);
            }
        }
        plan.jobs = kept_jobs;
        for host in &mut plan.hosts {
            if places[host.job] != host.job {
                *host = Arc::new(HostPlan { job: places[host.job], ..HostPlan::clone(host) });
            }
        }
        plan
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Changes, JobPlan};
    use super::*;
    use crate::config::{ConfigFile, LoadOptions};
    use crate::time::Time;

    fn plan() -> Plan {
        let text = r#"Config(default_job_name: "a", hosts: [
            Host(name: "alone", job_name: "b", metrics: [Metric(name: "one")]),
            Host(repeat: Repeat(var: "i", from: 1, to: 2), name: "web-{i}", metrics: [Metric(name: "load")]),
            Host(name: "other", metrics: [Metric(name: "more"), Metric(name: "load")]),
        ])"#;
        let file = ConfigFile::from_text("test", text);
        file.plan(&LoadOptions::starting_at(Time::from_unix_secs(1_767_600_000))).unwrap().plan
    }

    fn jobs(plan: &Plan) -> String {
        let names = |job: &JobPlan| {
            let names = job.hosts.iter().map(|id| plan.hosts[*id as usize].name.to_string());
            format!("{}: {}", job.name, names.collect::<Vec<_>>().join(" "))
        };
        let are_at_home = plan
            .jobs
            .iter()
            .enumerate()
            .all(|(n, job)| job.hosts.iter().all(|id| plan.hosts[*id as usize].job == n));
        assert!(are_at_home, "each host says its own job");
        plan.jobs.iter().map(names).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn an_added_host_is_beside_its_template_and_changes_no_other() {
        let old = plan();
        let host = HostPlan { name: "web-3".into(), ..HostPlan::clone(&old.hosts[1]) };
        let new = old.with_host(host, 1);
        assert_eq!(jobs(&new), "b: alone, a: web-1 web-3 web-2 other");
        assert_eq!(Changes::between(&old, &new).to_string(), "4 hosts kept, 1 new, 0 gone, 0 changed");
        assert_eq!(new.series_count(), old.series_count() + 1);
    }

    #[test]
    fn a_removed_host_takes_its_empty_job_along() {
        let old = plan();
        let new = old.without_host(0);
        assert_eq!(jobs(&new), "a: web-1 web-2 other");
        assert_eq!(Changes::between(&old, &new).to_string(), "3 hosts kept, 0 new, 1 gone, 0 changed");
        assert_eq!(jobs(&old.without_host(2)), "b: alone, a: web-1 other");
    }
}
