//! What partners ask of the face, and what the standard says of the answers.
