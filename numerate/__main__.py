"""`python -m numerate` is the program `numerate`."""

from numerate.cli import main

if __name__ == "__main__":
    main()
