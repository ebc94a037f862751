"""What is right, case by case. A row that the app does not live up to yet says in `wrong` what has to be mended."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Row:
    """What a case has to lead to; texts are regular expressions that have to match all of what they are about."""

    #: the file's name without its ending
    file: str
    #: how many backups are started; a range where any of its numbers will do
    posts: int | range
    #: state/reason/outcome of each item's latest incident, in the order in which the items came up
    ends: str
    #: kinds with their numbers, in alphabetical order
    notices: str = ".*"
    #: the items of the incidents, by the last two parts of their names; "": whatever they are
    of: str = ""
    #: what has to be found somewhere in what the player prints with --json, and what must not
    shows: str = ""
    lacks: str = ""
    #: issue and point, and what is wrong today
    wrong: str = ""


RETRIED = (1, "triggered/attempt_running", "RetryTriggered 1")
RECOVERED = (1, "closed/retry_succeeded/recovered", "Recovered 1, RetryTriggered 1")
PERSON = (0, "closed/needs_action/needs_action", "NeedsPerson 1")
NOT_FOR_US = (0, "closed/unsupported/needs_action", "NeedsPerson 1")
REFUSED = (1, "closed/.*", "NeedsPerson 1")
TENANT = (".*/no_permission.*", "NeedsPerson 1")
LEFT_ALONE = (0, "closed/not_protected/left_alone", "")
IGNORED = (0, "", "")
#: of the vault that could not be read, and that it can be again
TOLD_ONCE = "NeedsPerson 1, Recovered 1, RetryTriggered 1"

ROWS = [
    # names and ids
    Row("sql_named_by_instance", *RETRIED, of="mssqlserver;ledger"),
    Row("sql_named_by_instance_conflict", *RETRIED, of="mssqlserver;ledger"),
    Row("sql_availability_group", *RETRIED, of="aghr;payroll"),
    Row("sql_same_name_in_two_instances", *RETRIED, of="reporting;ledger"),
    Row("sql_soft_deleted", *LEFT_ALONE, "mssqlserver;ledger", "soft-deleted"),
    Row("sap_ase_database", *NOT_FOR_US, of="ASE;MASTER"),
    Row("vm_same_name_in_two_groups", *RETRIED, of="rg-shop;web-07"),
    Row("vm_named_by_another_container", *RETRIED, of="rg-web;web-07"),
    Row("vm_container_with_its_prefix", *RETRIED, of="rg-web;web-07"),
    Row("vm_moved", *PERSON, of="rg-old;web-07"),
    Row("share_in_other_casing", *RETRIED),
    Row("nameless_job_that_failed", *RETRIED, of="mssqlserver;ledger"),
    Row("jobs_on_many_pages", *RETRIED, of="rg-web;web-07"),
    # signals
    Row("classic_log_alert", *RETRIED, of="rg-web;web-07"),
    Row("health_metric_without_dimensions", *RETRIED, of="rg-web;web-07"),
    Row("health_metric_while_all_is_well", *IGNORED),
    Row("long_job_behind_a_metric", *RETRIED),
    Row("restore_health_metric", *NOT_FOR_US),
    Row("restore_with_rehydrate", *NOT_FOR_US),
    Row("alert_of_another_shape", *IGNORED),
    Row("log_alert_of_names_only", *IGNORED, shows="JobUniqueId"),
    Row("other_service_costs", *IGNORED),
    Row("other_service_prometheus", *IGNORED),
    Row("other_service_resource_health", *IGNORED),
    Row("other_service_security", *IGNORED),
    Row("other_service_service_health", *IGNORED),
    Row("other_service_smart_detector", *IGNORED),
    Row("alert_before_the_end", *RETRIED, shows='"deferred": 1'),
    Row("rows_without_a_start", *RETRIED),
    Row("told_four_times", *RETRIED),
    Row("plain_failure", *RECOVERED),
    Row("dry_run_turned_off", *RETRIED),
    # what cannot be reached
    Row("vault_gone", 0, ""),
    Row("passing_404", 1, ".*, triggered/attempt_running", "RetryTriggered 1", shows="reachable_again"),
    Row("item_404_for_a_moment", *RETRIED),
    Row("job_404_for_a_moment", *RETRIED),
    Row("jobs_404_of_another_code", 1, "triggered/attempt_running", "NeedsPerson 1, RetryTriggered 1"),
    Row("subscription_lost", 1, ".*triggered/attempt_running.*", ".*NeedsPerson 1.*"),
    Row("rights_lost", 1, ".*triggered/attempt_running.*", ".*NeedsPerson 1.*"),
    Row("dispatched_and_refused", 1, ".*triggered/attempt_running", TOLD_ONCE, shows="reachable_again"),
    # states of protection
    Row("instance_updating", *RETRIED),
    Row("instance_updating_for_a_day", 0, "[^,]*", "NeedsPerson 1"),
    Row("instance_backups_suspended", *LEFT_ALONE),
    Row("instance_schedules_suspended", *LEFT_ALONE),
    Row("instance_retention_suspended", *RETRIED),
    Row("instance_in_protection_error", *RETRIED),
    Row("vm_protection_paused", *LEFT_ALONE),
    Row("vm_backups_suspended", *LEFT_ALONE),
    Row("vm_state_invalid", 0, "[^,]*", "NeedsPerson 1"),
    Row("vm_in_protection_error", *RETRIED),
    Row("policy_changed_after_the_failure", *RETRIED),
    Row("policy_change_that_failed", *RETRIED),
    Row("protection_stopped_and_set_up_anew", *LEFT_ALONE),
    Row("database_protection_set_up_anew", *LEFT_ALONE),
    # jobs that are running, or did nothing
    Row("job_hangs_for_days", 0, "waiting/.*", "NeedsPerson 1", shows="00000032-"),
    Row("job_hangs_since_last_night", 0, "waiting/.*", "NeedsPerson 1"),
    Row("job_hangs_until_azure_forgets", 0, "closed/.*", ".*NeedsPerson 1.*"),
    Row("job_in_an_unknown_state", 0, "[^,]*", "NeedsPerson 1"),
    Row("long_backup_cancelled", 0, "closed/cancelled/left_alone", ""),
    Row("nameless_young_job", 0, "waiting/in_progress", ""),
    Row("warnings_that_moved_nothing", range(2), ".*", lacks="recovered"),
    # the retry
    Row("retry_named_otherwise", *RETRIED, of="aghr;payroll"),
    Row("retry_named_otherwise_completes", *RECOVERED, of="aghr;payroll"),
    Row("retry_named_otherwise_answer_lost", 1, "triggered/attempt_running"),
    Row("retry_answer_lost", 1, "triggered/attempt_running", of="aghr;payroll"),
    Row("disk_retry_begun_before_its_claim", *RECOVERED),
    Row("disk_backed_up_by_hand", 1, "closed/already_recovered/.*", "Recovered 1"),
    Row("disk_job_without_an_id", 1, ".*", "NeedsPerson 1"),
    # refusals of the trigger
    Row("refused_by_azure_policy", *REFUSED, shows="deny-untagged", lacks="Operator"),
    Row("refused_by_resource_guard", *REFUSED, shows="guard-1", lacks="Operator"),
    Row("refused_for_lack_of_a_role", range(1, 9), ".*/no_permission.*", "NeedsPerson 1", shows="role"),
    Row("refused_by_soft_deleted_vault", 1, "closed/.*", shows="undelete it first"),
    Row("refused_as_invalid", 1, "closed/.*", shows="Input provided"),
    Row("refused_by_the_daily_limit", 1, "closed/needs_action/needs_action", "NeedsPerson 1"),
    Row("refused_by_a_lock", *REFUSED, shows="locked: 'rg-vaults'", lacks="Operator"),
    Row("refused_for_a_disabled_subscription", *REFUSED, shows="marked as read only", lacks="Operator"),
    Row("refused_as_of_another_tenant", range(1, 9), *TENANT, shows="wrong issuer", lacks="Operator"),
    Row("subscription_of_another_tenant", 0, *TENANT, shows="another tenant", lacks="Operator"),
    Row("refused_with_advice", *REFUSED, shows="Take it out of the way", lacks="Operator"),
    Row("refused_by_a_conflict", 2, "triggered/attempt_running"),
    # memory across incidents
    Row("log_backup_fails_every_quarter", 0, "[^,]*", "NeedsPerson 1"),
    Row("log_without_its_full", 0, "waiting/.*", ""),
    Row("log_still_without_its_full", *RETRIED, shows='"at": "2026-10-05T07:'),
    Row("fails_every_night", 12, "closed/.*"),
    # policies
    Row("weekly_retention", *RETRIED, shows="2027-10-04T06:00:00Z"),
    Row("hourly_schedule_near", 0, "waiting/schedule_near", ""),
    # what people have set
    Row("asked_and_still_waiting", 0, "waiting/approval", "NeedsPerson 1", shows="RETRY_MODE is ask"),
    Row("asked_without_answer", 0, "closed/approval/needs_action", "NeedsPerson 2", shows="rg-web is tagged"),
    Row(
        "asked_and_recovered", 0, "closed/already_recovered/recovered_elsewhere", "NeedsPerson 1, Recovered 1"
    ),
    Row("asked_by_a_slip", 0, "waiting/approval", "NeedsPerson 1", shows="backup-retry = aks"),
    Row("asked_in_a_rehearsal", 0, "closed/dry_run/left_alone", ""),
    Row("profile_with_hours", *RETRIED, shows='"at": "2026-10-05T18:00'),
    Row("profile_that_nobody_knows", *RETRIED),
    Row(
        "deadline_has_come", 0, "closed/deadline/needs_action", "NeedsPerson 1", shows="07:00 (Europe/Berlin)"
    ),
    Row("deadline_comes_meanwhile", 1, "closed/deadline/needs_action", "NeedsPerson 1, RetryTriggered 1"),
    # the catalogue of errors
    Row("postgresql_vault_without_role", *PERSON, shows="Reader"),
    Row("postgresql_connection_closed", *RETRIED),
    Row("postgresql_behind_a_firewall", *PERSON),
    Row("postgresql_wrong_password", *PERSON),
    Row("postgresql_not_retryable", *PERSON, shows="Reader"),
    Row("unknown_code_exhausted", 1, "closed/exhausted/exhausted", "Exhausted 1, RetryTriggered 1"),
    Row("aks_locked_snapshot_group", *PERSON),
    Row("aks_storage_not_ready", *RETRIED, shows='"at": "2026-10-05T06:45'),
    Row("aks_snapshot_timed_out", *RETRIED),
    Row("aks_namespace_missing", *PERSON),
    Row("blob_without_containers", *PERSON),
    Row("blob_account_gone", *PERSON),
    Row("blob_vault_without_role", *PERSON),
    Row("blob_too_many_replications", *PERSON),
    Row("elastic_san", *NOT_FOR_US),
    Row("vm_agent_unavailable", *RETRIED),
    Row("vm_agent_silent_on_snapshot", *RETRIED),
    Row("vm_snapshot_timed_out", *RETRIED),
    Row("vm_concurrent_snapshot", *RETRIED),
    Row("vm_too_many_restore_points", *PERSON),
    Row("vm_key_vault_closed", *PERSON),
    Row("restore_to_a_full_share", *NOT_FOR_US, shows="quota"),
]
