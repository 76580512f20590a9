// x
#include <structio/structio_channel.h>
#include "support/catch.hpp"
TEST_CASE("x"){}
