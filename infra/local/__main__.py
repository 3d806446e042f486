from infra.local.cli import app

if __name__ == "__main__":
    app(prog_name="python -m infra.local")
