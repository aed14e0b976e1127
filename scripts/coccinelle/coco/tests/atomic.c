// SPDX-License-Identifier: GPL-2.0
/* Fixture of atomic.cocci: a line that says HIT is reported, others not */

static int locked(struct pool *pool)
{
	int err;

	spin_lock(&pool->lock);
	err = set_memory_decrypted(pool->addr, 512);	/* HIT: conversion while */
	spin_unlock(&pool->lock);
	return err;
}

static int interrupts_off(struct pool *pool)
{
	unsigned long flags;
	int err;

	spin_lock_irqsave(&pool->lock, flags);
	if (pool->busy) {
		spin_unlock_irqrestore(&pool->lock, flags);
		return -EBUSY;
	}
	err = set_memory_encrypted(pool->addr, 512);	/* HIT: conversion while */
	spin_unlock_irqrestore(&pool->lock, flags);
	return err;
}

static int read_section(struct pool *pool)
{
	int err;

	rcu_read_lock();
	err = set_memory_decrypted(pool->addr, 512);	/* HIT: conversion while */
	rcu_read_unlock();
	return err;
}

static int share(struct pool *pool)
{
	return set_memory_decrypted(pool->addr, 512);
}

static int by_callee(struct pool *pool)
{
	int err;

	raw_spin_lock(&pool->lock);
	err = share(pool);	/* HIT: call of a function that converts */
	raw_spin_unlock(&pool->lock);
	return err;
}

static int atomic_memory(struct context *c)
{
	c->page = (void *)get_zeroed_page(GFP_ATOMIC);
	if (!c->page)
		return -ENOMEM;
	return set_memory_decrypted((unsigned long)c->page, 1);	/* HIT: atomic context */
}

static int may_be_atomic(struct context *c)
{
	gfp_t gfp = irqs_disabled() ? GFP_ATOMIC : GFP_KERNEL;

	c->order = order_of(gfp);
	return set_memory_decrypted((unsigned long)c->page, 1);	/* HIT: asks for atomic */
}

/* Near misses */

static int before_and_after(struct pool *pool)
{
	int err;

	spin_lock(&pool->lock);
	pool->busy = true;
	spin_unlock(&pool->lock);
	err = set_memory_decrypted(pool->addr, 512);
	spin_lock(&pool->lock);
	pool->busy = false;
	spin_unlock(&pool->lock);
	return err;
}

static int mutex(struct pool *pool)
{
	int err;

	mutex_lock(&pool->mutex);
	err = share(pool);
	mutex_unlock(&pool->mutex);
	return err;
}

static int other_memory(struct context *c, void *page)
{
	c->record = kmalloc(sizeof(*c->record), GFP_ATOMIC);
	return set_memory_decrypted((unsigned long)page, 1);
}

static int sleeping_memory(struct context *c)
{
	c->page = (void *)get_zeroed_page(GFP_KERNEL);
	return set_memory_decrypted((unsigned long)c->page, 1);
}
