from fnrun.main import run

run()
