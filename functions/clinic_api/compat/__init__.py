"""The five former systems' APIs, at their own paths below `/compat`.

`<system>.py` has a system's routes (AllCare's of cases are in `allcare_cases.py`), and the files that begin
with its name have what they read and tell, by what it is about. A route reads the former request, asks the
use cases that `/v1` asks, and tells the answer in the former words. Nothing is decided here. `application.py`
puts the five below the API.
"""
