// What nearly every test of the face includes, compiled once: Catch2 and the face are most of what
// a compiler reads of them. Each test includes what it needs all the same.
#include "support/face.hpp"
