from infra.audit.command import app

if __name__ == "__main__":
    app(prog_name="python -m infra.audit")
