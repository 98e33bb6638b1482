//! Nothing is here: the tests are in `end_to_end`, and talk to the program as a user does.
