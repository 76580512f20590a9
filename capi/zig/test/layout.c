#include <structio/structio.h>
