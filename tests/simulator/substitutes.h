/*
 * substitutes.h
 *		What stands for functions of the C library and of the programs, by the linker's --wrap.
 */
#pragma once

#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include <time.h>

#include "kafka/topic.h"
#include "observe/log.h"

int __wrap_poll(struct pollfd *polled, nfds_t count, int timeout_ms);
int __wrap_clock_gettime(clockid_t clock, struct timespec *time);
int __wrap_eventfd(unsigned int count, int flags);
ssize_t __wrap_read(int fd, void *buffer, size_t bytes);
ssize_t __wrap_write(int fd, const void *buffer, size_t bytes);
int __wrap_close(int fd);

int __wrap_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*run)(void *),
						  void *argument);
int __wrap_pthread_join(pthread_t thread, void **result);
int __wrap_pthread_timedjoin_np(pthread_t thread, void **result, const struct timespec *deadline);
int __wrap_pthread_mutex_lock(pthread_mutex_t *mutex);
int __wrap_pthread_mutex_unlock(pthread_mutex_t *mutex);

/* Memory of a run: all of it is given back at the next run's begin. */
void memory_begin(void);
char *stack_new(size_t bytes);
void *__wrap_malloc(size_t bytes);
void *__wrap_calloc(size_t count, size_t bytes);
void *__wrap_realloc(void *memory, size_t bytes);
void __wrap_free(void *memory);
void *__real_realloc(void *memory, size_t bytes);
void __real_free(void *memory);

void __wrap_log_record_write(LogLevel level, const char *message, const LogField *fields);
void __wrap_log_status(LogLevel level, const char *message, const Status *status);

Status __wrap_kafka_topic_create(rd_kafka_t *handle, const KafkaTopicPlan *plan, const Wait *wait,
								 bool *created);
Status __wrap_kafka_topic_values_get(rd_kafka_t *handle, const char *topic, const Wait *wait,
									 KafkaTopicValue *values, size_t count);
Status __wrap_kafka_topic_id_get(rd_kafka_t *handle, const char *topic, const Wait *wait,
								 char id[KAFKA_TOPIC_ID_BYTES]);
