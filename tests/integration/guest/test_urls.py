# SPDX-License-Identifier: MIT
"""Messages print only the host and the port of a URL.

The tests put a secret in every position of a URL. They use the URL in each setting that is a URL, and in texts of
services. No output may contain the secret. A control shows that the search finds text that is printed."""
import concurrent.futures
import http.server
import threading

from labcase import harness
from whose_files import HOST, TOOL, WhoseFilesCase

CANARY = "c4nary"

# URLs with a secret in each possible position. {} is replaced by a host and port.
FORMS = (
    "http://user:c4nary@{}/",
    "http://c4nary@{}",
    "http://user:pa/c4nary@{}",
    "http://user:12/c4nary@{}",
    "http://c4nary:12/x@{}",
    "http://user:c4nary?x@{}/",
    "http://user:c4nary#x@{}/",
    "http://c4nary:1#x@{}/",
    "http://a:b@c4nary:d@{}/",
    "http://user:c4n%61ry-c4nary@{}/",
    "http://user:c4nary%40{}/",
    "http://user:x\\c4nary@{}/",
    "http://c4nary\\@{}/",
    "http://user:x c4nary@{}/",
    "http://user:c4nary x@{}/",
    "http://user:c4nary@[::1]:1/",
    "http://user:c4nary@[fe80::1%25c4nary]:1/",
    "http://{}/c4nary?k=c4nary#c4nary",
    "https://{}/?token=c4nary",
    "https://user:c4nary@{}/",
    "user:c4nary@{}",
    "//user:c4nary@{}/",
    "http:/user:c4nary@{}/",
    "http:user:c4nary@{}",
    "c4nary://{}/",
    "ftp://user:c4nary@{}/c4nary",
    "http://user:c4nary@",
    "http://user:c4nary@{}:c4nary/",
    "http://user:c4nary@192.0.2.1/",
    "{}/c4nary",
)


class Urls(WhoseFilesCase):
    def settings(self, url):
        """Returns a row (name, ~/.aws/config, variables) for each setting that decides where a request goes."""
        role = self.lab.roles["rds-access"].arn
        on_keys = (f"[profile base]\n{self.keys('etl-base')}"
                   f"[default]\nrole_arn = {role}\nsource_profile = base\n")
        imds = {"AWS_EC2_METADATA_DISABLED": ""}
        no_sts = {"AWS_ENDPOINT_URL_STS": None}
        instance = f"[default]\nrole_arn = {role}\ncredential_source = Ec2InstanceMetadata\n"
        self.sso_login(named_after=url, expires=60)
        self.sso_login(expires=60)
        sso = (f"sso_account_id = 123456789012\nsso_role_name = Etl\nsso_start_url = {url}\n"
               "sso_region = us-east-1\n")
        session = ("[default]\nsso_session = dev\nsso_account_id = 123456789012\nsso_role_name = Etl\n"
                   f"[sso-session dev]\nsso_start_url = {url}\nsso_region = us-east-1\n")
        login = "[default]\nregion = us-east-1\nlogin_session = " + self.lab.roles[
            "login-etl"].session_arn("ada") + "\n"
        self.aws_login(expires=-60)
        return (
            ("AWS_EC2_METADATA_SERVICE_ENDPOINT", "", {**imds, "AWS_EC2_METADATA_SERVICE_ENDPOINT": url}),
            ("ec2_metadata_service_endpoint", f"{instance}ec2_metadata_service_endpoint = {url}\n", imds),
            ("AWS_ENDPOINT_URL_STS", on_keys, {"AWS_ENDPOINT_URL_STS": url}),
            ("AWS_ENDPOINT_URL", on_keys, {"AWS_ENDPOINT_URL_STS": None, "AWS_ENDPOINT_URL": url}),
            ("endpoint_url", on_keys + f"endpoint_url = {url}\n", {"AWS_ENDPOINT_URL_STS": None}),
            ("services", on_keys + f"services = s\n[services s]\nsts =\n  endpoint_url = {url}\n",
             {"AWS_ENDPOINT_URL_STS": None}),
            ("AWS_ENDPOINT_URL_SSO", "[default]\n" + sso, {**no_sts, "AWS_ENDPOINT_URL_SSO": url}),
            ("AWS_ENDPOINT_URL_SSO_OIDC", session, {
                **no_sts, "AWS_ENDPOINT_URL_SSO_OIDC": url, "AWS_ENDPOINT_URL_SSO": "http://127.0.0.1:1"}),
            ("AWS_ENDPOINT_URL_SIGNIN", login, {**no_sts, "AWS_ENDPOINT_URL_SIGNIN": url}),
            ("AWS_CONTAINER_CREDENTIALS_FULL_URI", "", {
                **no_sts, "AWS_CONTAINER_CREDENTIALS_FULL_URI": url}),
            ("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "", {
                **no_sts, "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI": url}),
            ("HTTPS_PROXY", on_keys, {
                "AWS_ENDPOINT_URL_STS": "https://sts.us-east-1.amazonaws.com", "HTTPS_PROXY": url}),
            ("ALL_PROXY", on_keys, {
                "AWS_ENDPOINT_URL_STS": "https://sts.us-east-1.amazonaws.com", "ALL_PROXY": url}),
        )

    def output_of(self, config, variables, *command, file=".aws/config"):
        path = self.home.write(file, config)
        env = {**self.cloud_env(RDS_IAM_LOG="1", AWS_CONFIG_FILE=str(path)), **variables}
        result = self.home.run([TOOL, *command], None, **{k: v for k, v in env.items() if v is not None})
        return result.stdout + result.stderr

    def test_no_setting_is_printed_completely(self):
        token = ("token", "--hostname", HOST, "--port", "5432", "--username", "u")

        def run(number, form, name, config, variables):
            file = f"config-{number}"
            output = self.output_of(config, variables, "credentials", "--explain", file=file)
            if name.lower().startswith(("aws_ec2", "ec2", "aws_container")):
                output += self.output_of(config, variables, *token, file=file)
            return name, form, output

        rows = [(form, *row) for form in FORMS for row in self.settings(form.format("127.0.0.1:1"))]
        with concurrent.futures.ThreadPoolExecutor(8) as pool:  # most of the time is waiting between attempts
            results = pool.map(lambda pair: run(pair[0], *pair[1]), enumerate(rows))
        for name, form, output in results:
            with self.subTest(setting=name, form=form):
                self.assertIn("FAILED", output, "control: the setting is used")
                self.assertNotIn("access key", output)
                self.assertNotIn(CANARY, output)
        self.assertEqual(len(rows), 30 * 13)

    def test_host_and_port_are_printed(self):
        for form, shown in (("http://user:c4nary@{}/", "127.0.0.1:1"), ("http://{}/c4nary", "127.0.0.1:1"),
                            ("http://a:b@c4nary:d@[::1]:1", "[::1]:1"),
                            ("http://user:12/c4nary@{}", "[URL not shown]")):
            for name, config, variables in self.settings(form.format("127.0.0.1:1")):
                if name.startswith("AWS_ENDPOINT_URL_ST") or name == "ec2_metadata_service_endpoint":
                    with self.subTest(setting=name, form=form):
                        output = self.output_of(config, variables, "credentials", "--explain")
                        self.assertIn(shown, output)

    def test_the_plugin_prints_no_secret(self):
        for form in FORMS[:4]:
            url = form.format("127.0.0.1:1")
            result = self.mariadb(principal=None, **self.cloud_env(
                AWS_EC2_METADATA_DISABLED="", AWS_EC2_METADATA_SERVICE_ENDPOINT=url, RDS_IAM_LOG="1"))
            self.assertIn("ERROR 2061 (HY000): rds-iam: ", result.stderr)
            self.assertNotIn(CANARY, result.stderr)

    def test_a_url_given_as_a_host_name(self):
        for form in FORMS:
            url = form.format(HOST)
            output = self.output_of("", {}, "token", "--hostname", url, "--port", "1", "--username", "u")
            self.assertNotIn(CANARY, output)
            self.home.write(".config/rds-iam/config", f"[{url}]\nprofile = p\n[{url}]\nprofile = p\n")
            output = self.output_of("", {}, "token", "--hostname", HOST, "--port", "1", "--username", "u")
            self.assertNotIn(CANARY, output)

    def test_a_url_given_as_another_value(self):
        """Uses the URL in settings and variables that should not contain a URL."""
        keys = self.keys("etl-base")
        role = "role_arn = r\nsource_profile = b\n"
        sso = "sso_start_url = https://x\nsso_region = {}\nsso_account_id = 1\nsso_role_name = R\n"
        texts = [(f"[default]\n{lines}region = us-east-1\n[profile b]\n{keys}", imds, {}) for lines, imds in (
            ("ec2_metadata_service_endpoint_mode = {}\n", ""), ("imds_use_ipv6 = {}\n", ""),
            (role + "services = {}\n", "true"), (role + "use_fips_endpoint = {}\n", "true"),
            (role + "sts_regional_endpoints = {}\n", "true"), (role + "duration_seconds = {}\n", "true"),
            ("role_arn = {}\nsource_profile = b\n", "true"), ("role_arn = r\nsource_profile = {}\n", "true"),
            ("role_arn = r\ncredential_source = {}\n", "true"), (sso, "true"))]
        on_keys = f"[default]\nrole_arn = r\nsource_profile = b\n[profile b]\n{keys}"
        texts += [(on_keys, "true", {name: "{}"}) for name in ("AWS_REGION", "AWS_CA_BUNDLE")]
        texts += [("", "true", extra) for extra in (
            {"AWS_WEB_IDENTITY_TOKEN_FILE": "{}", "AWS_ROLE_ARN": "r"}, {"AWS_PROFILE": "{}"},
            {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s", "AWS_CREDENTIAL_EXPIRATION": "{}"})]
        for url in ("http://user:c4nary@h/", "http://h/?c4nary", "http://user:" + "c4nary" * 30 + "@h"):
            for text, imds, extra in texts:
                with self.subTest(text=text, extra=extra, url=url):
                    output = self.output_of(text.replace("{}", url), {
                        "AWS_EC2_METADATA_DISABLED": imds,
                        **{name: value.format(url) for name, value in extra.items()}},
                        "credentials", "--explain")
                    self.assertIn("FAILED", output, "control: the setting is used")
                    self.assertNotIn(CANARY, output)

    def test_a_url_in_a_warning(self):
        """Uses the URL as the name of a profile that is not used, or that contains an unusual character."""
        url = "http://user:c4nary@h/?c4nary"
        web = {"AWS_WEB_IDENTITY_TOKEN_FILE": "/none", "AWS_ROLE_ARN": "r"}
        own = {"AWS_ACCESS_KEY_ID": "A", "AWS_SECRET_ACCESS_KEY": "s"}
        for variables, words in (
                ({**own, "AWS_PROFILE": url}, "but the keys in the environment are used"),
                ({**own, "AWS_DEFAULT_PROFILE": url}, "AWS_DEFAULT_PROFILE is set to"),
                ({**web, "AWS_PROFILE": url}, "but the web identity of the environment is used"),
                ({}, "contains a character that some AWS tools do not accept")):
            with self.subTest(words=words):
                output = self.output_of(f"[profile {url}]\nregion = us-east-1\n", variables, "credentials", "--explain")
                self.assertIn(words, output)
                self.assertNotIn(CANARY, output)

    def test_texts_of_services(self):
        """Uses the URL in the text of an error response and in a redirection."""
        url = "https://user:c4nary@host/c4nary?c4nary"
        odd = "see http://user:x c4nary@host/, or https://host/c4nary"
        error = "<ErrorResponse><Error><Code>{0}</Code><Message>{0}</Message></Error></ErrorResponse>"
        json = '{{"message": "{0}", "error": "{0}", "Code": "{0}"}}'
        for text in (url, odd):
            for body in (error.format(text), json.format(text)):
                for status in (200, 302, 400, 403):
                    with Service(status, body, url) as service:
                        for name, config, variables in self.settings(service.url):
                            if "PROXY" not in name:
                                with self.subTest(setting=name, status=status, body=body):
                                    output = self.output_of(config, variables, "credentials", "--explain")
                                    self.assertNotIn(CANARY, output)
                        self.assertGreater(service.count, 7, "control: it received requests")

    def test_a_commands_stderr(self):
        """Programs such as curl and vault print the URL of a server that did not respond. The password in this URL may
        be long."""
        rest = "x" * 150
        refusal = "this credential_process is not started, because "
        for form in FORMS:
            url = form.format("127.0.0.1:1")
            for text in (url, f"Get {url}: refused", f"rds-iam: x:1: {refusal}{url}"):
                if "://" in url:
                    with self.subTest(text=text):
                        output = self.complaint(text)
                        self.assertIn("not started" if refusal in text else "status 1: ", output)
                        self.assertNotIn(CANARY, output)
        output = self.complaint("Get https://user:c4nary@127.0.0.1/c4nary\nno role for ada@example.com\n")
        self.assertIn("Get https://127.0.0.1?no role for ada@example.com; run it by hand", output)
        for length in (300, 500, 620, 640, 700):
            output = self.complaint("https://user:" + "c4nary" * (length // 6) + f"@127.0.0.1/ {rest}")
            self.assertIn(rest, output)
            self.assertNotIn(CANARY, output)

    def complaint(self, text):
        """Returns the output of rds-iam with a credential_process that prints the text to stderr and fails."""
        self.home.write("complaint", text)
        config = f"[default]\ncredential_process = cat {self.home.path}/complaint >&2; false\n"
        return self.output_of(config, {}, "credentials")

    def test_control_the_search_finds_printed_text(self):
        """rds-iam prints the stderr of a command and the name of a profile if they are not URLs."""
        self.assertIn(CANARY, self.complaint("of c4nary nothing is a URL"))
        self.assertIn(CANARY, self.output_of("", {"AWS_PROFILE": CANARY}, "credentials"))
        url = FORMS[0].format("127.0.0.1:1")
        self.assertNotIn(CANARY, self.output_of("", {"AWS_PROFILE": url}, "credentials"))


class Service:
    """A server that answers each request with the same status, body and Location header."""

    def __init__(self, status, body, location):
        service = self
        self.count = 0

        class Handler(http.server.BaseHTTPRequestHandler):
            def answer(self):
                service.count += 1
                self.rfile.read(int(self.headers.get("Content-Length", 0)))
                self.send_response(status)
                self.send_header("Location", location)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body.encode())

            do_GET = do_POST = do_PUT = answer

            def log_message(self, *_):
                pass

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self):
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._server.shutdown()
        self._server.server_close()


if __name__ == "__main__":
    harness.main()
