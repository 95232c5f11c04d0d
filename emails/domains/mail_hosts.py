"""Whether the domain in From can receive replies and bounces: RFC 5321, section 5.1, and RFC 7505 (null MX)."""

from ipaddress import ip_address

from common.findings import Finding
from emails.domains.lookups import Lookups, Outcome
from emails.domains.names import listed
from emails.domains.reporting import error, fine, to_add, unreadable, warning

NULL_MX = "0 ."


def questions_of(domain: str) -> list[tuple[str, str]]:
    return [(domain, kind) for kind in ("MX", "A", "AAAA", "TXT")]


def exists(lookups: Lookups, domain: str) -> bool:
    """Return whether the domain exists. A failed lookup counts as if it did."""
    return any(lookups.get(*question).outcome != Outcome.NONEXISTENT for question in questions_of(domain))


def check_mail_hosts(lookups: Lookups, domain: str) -> list[Finding]:
    answer = lookups.get(domain, "MX")
    if answer.is_error:
        return [unreadable("dns.mx", domain, answer.reason)]
    if answer.is_missing:
        return [_without_hosts(lookups, domain)]
    if NULL_MX in answer.values:
        return [_null(domain, answer.values)]
    return [_hosts(lookups, domain, [value.partition(" ")[2] for value in answer.values])]


def _null(domain: str, values: tuple[str, ...]) -> Finding:
    if len(values) > 1:
        problem = f"{domain} has a null MX record (MX 0 .) beside other MX records: {listed(values)}."
        return error("dns.mx", domain, problem, f"At your DNS host, remove: MX {domain} 0 .")
    return error(
        "dns.mx",
        domain,
        f"{domain} has a null MX record (MX 0 .), which says that it never receives email, so receivers may refuse "
        "what you send from it.",
        f"Remove MX {domain} 0 . at your DNS host and add your mail server, or send from another domain.",
    )


def _without_hosts(lookups: Lookups, domain: str) -> Finding:
    answers = [lookups.get(domain, kind) for kind in ("A", "AAAA")]
    if any(answer.is_found for answer in answers):
        problem = f"{domain} has no MX record, so replies go to its web server."
    elif errors := [answer for answer in answers if answer.is_error]:
        return unreadable("dns.mx", domain, errors[0].reason)
    else:
        problem = (
            f"{domain} has neither an MX nor an A record, so replies to it are lost, and some receivers refuse it."
        )
    return warning("dns.mx", domain, problem, to_add(f"MX {domain} 10 <the name of your mail server>"))


def _hosts(lookups: Lookups, domain: str, hosts: list[str]) -> Finding:
    lookups.start(*((host, kind) for host in hosts for kind in ("A", "AAAA")))
    numbers = [host for host in hosts if _is_ip(host)]
    missing = [host for host in hosts if host not in numbers and _is_unreachable(lookups, host)]
    aliases = [host for host in hosts if lookups.get(host, "A").aliases]
    if numbers:
        problem = f"The MX record of {domain} names an IP address instead of a server: {listed(numbers)}."
        return error("dns.mx", domain, problem, f"Change it to the name of the server: MX {domain} 10 <name>")
    if len(missing) == len(hosts):
        problem = f"No server in the MX records of {domain} exists: {listed(missing)}."
        return error("dns.mx", domain, problem, "Correct the MX records, or add A records for these names.")
    if missing:
        problem = f"A server in the MX records of {domain} doesn't exist: {listed(missing)}."
        return warning(
            "dns.mx", domain, problem, f"Remove it at your DNS host, or add: A {missing[0]} <its IP address>"
        )
    if aliases:
        problem = (
            f"A server in the MX records of {domain} is a CNAME record, which RFC 5321 forbids: {listed(aliases)}."
        )
        return warning("dns.mx", domain, problem, "Let the MX record name the server that the CNAME record leads to.")
    return fine("dns.mx", domain)


def _is_unreachable(lookups: Lookups, host: str) -> bool:
    """Return whether the name surely has no IP address."""
    return all(lookups.get(host, kind).is_missing for kind in ("A", "AAAA"))


def _is_ip(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True
