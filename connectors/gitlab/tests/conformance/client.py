# Works at the desk the way python-gitlab does, and says on its last line that all went well.
import sys

import gitlab

address, token, project = sys.argv[1:4]
# The desk tells the addresses of next pages under another host than it is called by, as a GitLab behind a proxy may.
client = gitlab.Gitlab(address, private_token=token, keep_base_url=True)
client.auth()
assert client.user.username.startswith("project_"), client.user
assert client.version()[0].startswith("18."), client.version()

project = client.projects.get(project)
assert project.path_with_namespace == "fabrikam/support"
assert {label.name for label in project.labels.list(get_all=True)} >= {"bug", "doing"}
assert project.labels.get("status::waiting").name == "status::waiting"

issue = project.issues.create({"title": "From outside", "description": "Text", "labels": "bug,doing", "confidential": True})
assert (issue.state, sorted(issue.labels), issue.confidential) == ("opened", ["bug", "doing"], True), issue
same = project.issues.get(issue.iid)
assert same.title == "From outside" and same.moved_to_id is None
project.issues.update(issue.iid, {"add_labels": "status::waiting", "remove_labels": "doing", "state_event": "close"})
same = project.issues.get(issue.iid)
assert (same.state, sorted(same.labels)) == ("closed", ["bug", "status::waiting"]), same

note = same.notes.create({"body": "For staff", "internal": True})
assert note.internal is True
note.body = "For staff only"
note.save()
assert same.notes.get(note.id).body == "For staff only"
said = [one.body for one in same.notes.list(get_all=True, sort="asc") if not one.system]
assert said == ["For staff only"], said
note.delete()

stored = project.upload("report.txt", filedata="seven bytes")
assert stored["url"].endswith("/report.txt") and stored["markdown"] == f"[report.txt]({stored['url']})", stored
bytes_back = client.http_get(f"/projects/{project.id}{stored['url']}", raw=True).content
assert bytes_back == b"seven bytes", bytes_back

for number in range(230):
    project.issues.create({"title": f"One of many {number}"})
listed = [
    one.iid
    for one in project.issues.list(
        iterator=True, state="all", scope="all", per_page=100, order_by="updated_at", sort="asc", pagination="keyset"
    )
]
assert len(listed) == len(set(listed)) >= 231, len(listed)
by_page = project.issues.list(get_all=True, state="all", per_page=100, scope="created_by_me")
assert len(by_page) >= 231, len(by_page)

for wrong in (lambda: project.issues.get(987654), lambda: project.issues.create({"title": ""})):
    try:
        wrong()
    except gitlab.exceptions.GitlabError as error:
        assert error.response_code in (400, 404), error
    else:
        raise AssertionError("it was taken")
print("all went well")
