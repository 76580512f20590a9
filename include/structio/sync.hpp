// Everything by which tasks of a run wait for each other: events, mutexes, semaphores, conditions,
// capacity limiters. Each belongs to the run whose task first uses it, for as long as it is waited
// for or held; other runs and threads go through a portal.
#pragma once

#include <structio/condition.hpp>
#include <structio/event.hpp>
#include <structio/limiter.hpp>
#include <structio/mutex.hpp>
#include <structio/resource_guard.hpp>
#include <structio/semaphore.hpp>
