//! Names and labels of the processes' metrics.

use std::marker::PhantomData;

use promemu_plugin::Family;

use crate::Process;

/// Naming scheme of an exporter.
pub trait NamingScheme: Send + 'static {
    /// Name of the workload.
    const WORKLOAD: &'static str;
    /// One line on its purpose.
    const SUMMARY: &'static str;
    /// Names of the labels of a process, separated by commas.
    const LABELS: &'static str;
    /// Metrics of a process.
    fn families() -> Vec<Family>;

    /// Values of the labels, in their order.
    fn labels(it: &Process<'_>) -> Vec<String>;

    /// Writes the values of the metrics, in their order.
    fn write_values(it: &Process<'_>, values: &mut [f64]);
}

/// Names as Prometheus' process exporters have them.
#[derive(Debug)]
pub struct PrometheusNames(PhantomData<()>);

impl NamingScheme for PrometheusNames {
    const WORKLOAD: &'static str = "processes";
    const SUMMARY: &'static str = "the processes of a host, which come and go";
    const LABELS: &'static str = "process,pid,priority";
    fn families() -> Vec<Family> {
        vec![
            Family::counter("process_cpu_seconds_total", "CPU that the process has used, in seconds"),
            Family::gauge("process_memory_bytes", "memory of the process, in bytes"),
            threads(),
            Family::gauge("process_open_fds", "open file descriptors of the process"),
            Family::gauge(
                "process_start_time_seconds",
                "when the process began, in seconds since the Unix epoch",
            ),
            uptime(),
        ]
    }

    fn labels(it: &Process<'_>) -> Vec<String> {
        vec![it.name.to_owned(), it.pid.to_string(), it.priority.word().to_owned()]
    }

    fn write_values(it: &Process<'_>, values: &mut [f64]) {
        values.copy_from_slice(&[
            it.cpu_seconds,
            it.memory_bytes,
            f64::from(it.threads),
            f64::from(it.open_fds),
            it.start_time_seconds,
            it.uptime_seconds,
        ]);
    }
}

/// Names of the `process` scraper of OpenTelemetry's hostmetrics receiver, as the Collector's Prometheus exporter shows
/// them: names with their units, dots as `_`, resource attributes as labels
/// (`receiver/hostmetricsreceiver/internal/scraper/processscraper/metadata.yaml`, `exporter/prometheusexporter/README.md` and
/// `pkg/translator/prometheus/README.md` in open-telemetry/opentelemetry-collector-contrib).
#[derive(Debug)]
pub struct HostmetricsNames(PhantomData<()>);

/// Share of a process' CPU that it uses in the kernel.
const SYSTEM_SHARE: f64 = 0.25;
/// Bytes that a process writes and reads for each second of CPU.
const WRITTEN_BYTES_PER_CPU_SEC: f64 = 262_144.0;
const READ_BYTES_PER_CPU_SEC: f64 = 1_048_576.0;
/// Virtual memory of a process beside its resident memory: a stack for each thread, and its libraries.
const STACK_BYTES: f64 = 8.0 * 1_048_576.0;
const MAPPED_BYTES: f64 = 128.0 * 1_048_576.0;

const CPU: &str = "process_cpu_time_seconds_total";
const CPU_HELP: &str = "CPU that the process has used, in seconds, by what for";
const DISK: &str = "process_disk_io_bytes_total";
const DISK_HELP: &str = "what the process has read and written, in bytes";
/// The same in both schemes, so that a host may have both.
fn threads() -> Family {
    Family::gauge("process_threads", "threads of the process")
}
fn uptime() -> Family {
    Family::gauge("process_uptime_seconds", "how long the process has been there, in seconds")
}

impl NamingScheme for HostmetricsNames {
    const WORKLOAD: &'static str = "processes_hostmetrics";
    const SUMMARY: &'static str = "the same, named as by OpenTelemetry's hostmetrics";
    const LABELS: &'static str = "process_pid,process_parent_pid,process_executable_name,process_executable_path,\
                                  process_command,process_command_line,process_owner";
    fn families() -> Vec<Family> {
        vec![
            Family::counter(CPU, CPU_HELP).labelled("state=user"),
            Family::counter(CPU, CPU_HELP).labelled("state=system"),
            Family::counter(CPU, CPU_HELP).labelled("state=wait"),
            Family::gauge("process_memory_usage_bytes", "memory of the process, in bytes"),
            Family::gauge(
                "process_memory_virtual_bytes",
                "memory that the process has addresses for, in bytes",
            ),
            Family::counter(DISK, DISK_HELP).labelled("direction=read"),
            Family::counter(DISK, DISK_HELP).labelled("direction=write"),
            threads(),
            Family::gauge("process_open_file_descriptors", "open file descriptors of the process"),
            uptime(),
        ]
    }

    fn labels(it: &Process<'_>) -> Vec<String> {
        let path = format!("/usr/bin/{}", it.name);
        // All are children of the first process, which is not simulated.
        vec![
            it.pid.to_string(),
            "1".to_owned(),
            it.name.to_owned(),
            path.clone(),
            path.clone(),
            path,
            it.owner.to_owned(),
        ]
    }

    fn write_values(it: &Process<'_>, values: &mut [f64]) {
        let cpu = it.cpu_seconds;
        values.copy_from_slice(&[
            cpu * (1.0 - SYSTEM_SHARE),
            cpu * SYSTEM_SHARE,
            0.0,
            it.memory_bytes,
            it.memory_bytes + STACK_BYTES * f64::from(it.threads) + MAPPED_BYTES,
            (cpu * READ_BYTES_PER_CPU_SEC).floor(),
            (cpu * WRITTEN_BYTES_PER_CPU_SEC).floor(),
            f64::from(it.threads),
            f64::from(it.open_fds),
            it.uptime_seconds,
        ]);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Priority;

    const IT: Process<'_> = Process {
        name: "nginx",
        owner: "www-data",
        pid: 4711,
        priority: Priority::High,
        cpu_seconds: 10.0,
        memory_bytes: 4096.0,
        threads: 3,
        open_fds: 12,
        start_time_seconds: 1_767_600_000.0,
        uptime_seconds: 60.0,
    };

    /// Labels and values of a process, as an exposition shows them.
    fn lines<N: NamingScheme>() -> String {
        let labels = N::labels(&IT);
        let names: Vec<&str> = N::LABELS.split(',').map(str::trim).collect();
        assert_eq!(names.len(), labels.len());
        let mut values = vec![0.0; N::families().len()];
        N::write_values(&IT, &mut values);
        let labels = names.iter().zip(&labels).map(|(name, text)| format!("{name}={text}"));
        format!("{}\n{values:?}", labels.collect::<Vec<_>>().join(" "))
    }

    #[test]
    fn both_schemes_name_labels_and_values() {
        insta::assert_snapshot!(lines::<PrometheusNames>(), @r"
        process=nginx pid=4711 priority=high
        [10.0, 4096.0, 3.0, 12.0, 1767600000.0, 60.0]
        ");
        insta::assert_snapshot!(lines::<HostmetricsNames>(), @r"
        process_pid=4711 process_parent_pid=1 process_executable_name=nginx process_executable_path=/usr/bin/nginx process_command=/usr/bin/nginx process_command_line=/usr/bin/nginx process_owner=www-data
        [7.5, 2.5, 0.0, 4096.0, 159387648.0, 10485760.0, 2621440.0, 3.0, 12.0, 60.0]
        ");
    }
}
