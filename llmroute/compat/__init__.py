"""Drop-ins for the provider interfaces of other programs, each a thin layer over a `Router`.

`codeframe`, `coda`, `flux` and `hive` have the classes of those programs under their own names. A program that wants
its own classes back, for `isinstance`, passes its modules as `types`.
"""
