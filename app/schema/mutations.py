"""Changing people. Each resolver reads its input, does one thing, and shows what came of it."""

from typing import Annotated

import strawberry

from app.operations.delete import delete
from app.operations.devices import log_out_device, register_device
from app.operations.link_identity import link_identity, unlink_identity
from app.operations.merge import merge
from app.operations.segments import delete_segment, save_segment
from app.schema import writes
from app.schema.context import Info
from app.schema.criteria import Criteria
from app.schema.inputs import (
    DeviceInput,
    EventInput,
    IdentityInput,
    RecordInput,
    UserBy,
    UserChanges,
    device_identity,
    given,
)
from app.schema.permissions import FOR_LOGINS, FOR_SERVICE, FOR_WRITERS
from app.schema.results import (
    DeviceLogOutPayload,
    DeviceLogOutResult,
    DeviceRegisterPayload,
    DeviceRegisterResult,
    RecordsImportPayload,
    SegmentDeletePayload,
    SegmentDeleteResult,
    SegmentSavePayload,
    SegmentSaveResult,
    UserDeletePayload,
    UserDeleteResult,
    UserIdentifyPayload,
    UserIdentifyResult,
    UserLinkIdentityPayload,
    UserLinkIdentityResult,
    UserMergePayload,
    UserMergeResult,
    UserRecordEventsPayload,
    UserRecordEventsResult,
    UserUnlinkIdentityPayload,
    UserUnlinkIdentityResult,
    UserUpdatePayload,
    UserUpdateResult,
)


@strawberry.type
class Mutation:
    @strawberry.mutation(
        graphql_type=UserIdentifyResult | None,
        metadata=FOR_LOGINS,
        description="Log a person in, on this device or, from a server, without one: finds, "
        "creates, converts or merges, and says which. Identities that are nobody's join the "
        "person whom the others name.",
    )
    async def user_identify(
        self,
        info: Info,
        identities: list[IdentityInput],
        device: str | None = None,
        changes: UserChanges | None = None,
    ) -> UserIdentifyPayload:
        arguments = given(identities), device, given(changes)
        return await info.context.once(lambda: writes.user_identify(info.context, *arguments))

    @strawberry.mutation(
        graphql_type=UserUpdateResult | None,
        metadata=FOR_WRITERS,
        description="Apply every change, or none. `idempotencyKey`: a repeat with one of the "
        "person's last 64 keys changes nothing and answers the person as they are.",
    )
    async def user_update(
        self,
        info: Info,
        user: UserBy,
        changes: UserChanges,
        create_if_missing: bool = False,
        expected_version: int | None = None,
        idempotency_key: strawberry.ID | None = None,
    ) -> UserUpdatePayload:
        arguments = (
            given(user),
            given(changes),
            create_if_missing,
            expected_version,
            idempotency_key,
        )
        return await info.context.once(lambda: writes.user_update(info.context, *arguments))

    @strawberry.mutation(
        graphql_type=UserRecordEventsResult | None,
        metadata=FOR_WRITERS,
        description="Record what a person did, all at once; up to 1000 events.",
    )
    async def user_record_events(
        self, info: Info, user: UserBy, events: list[EventInput], create_if_missing: bool = False
    ) -> UserRecordEventsPayload:
        arguments = given(user), given(events), create_if_missing
        return await info.context.once(lambda: writes.user_record_events(info.context, *arguments))

    @strawberry.mutation(
        graphql_type=UserLinkIdentityResult | None,
        metadata=FOR_SERVICE,
        description="Give the person one more identity. Never merges; what is theirs already "
        "changes nothing.",
    )
    async def user_link_identity(
        self, info: Info, user: UserBy, identity: IdentityInput
    ) -> UserLinkIdentityPayload:
        context = info.context
        name = identity.to_domain(("identity",), context.limits)
        who = user.to_domain(context.limits)
        return UserLinkIdentityPayload(
            user=await link_identity(context.store, who, name, context.terms)
        )

    @strawberry.mutation(
        graphql_type=UserUnlinkIdentityResult | None,
        metadata=FOR_SERVICE,
        description="Take an identity away from the person; what is not theirs changes nothing.",
    )
    async def user_unlink_identity(
        self, info: Info, user: UserBy, identity: IdentityInput
    ) -> UserUnlinkIdentityPayload:
        context = info.context
        name = identity.to_domain(("identity",), context.limits)
        who = user.to_domain(context.limits)
        return UserUnlinkIdentityPayload(
            user=await unlink_identity(context.store, who, name, context.terms)
        )

    @strawberry.mutation(
        graphql_type=DeviceRegisterResult | None,
        metadata=FOR_WRITERS,
        description="Give the device to the person, or bring what is known about it up to date. "
        "Makes an anonymous person if `user` names this very device and nobody has it.",
    )
    async def device_register(
        self, info: Info, user: UserBy, device: DeviceInput
    ) -> DeviceRegisterPayload:
        context = info.context
        who = await context.reached(user.to_domain(context.limits))
        registration = device.to_domain(context.limits)
        registered = await register_device(
            context.store,
            who,
            registration,
            context.terms,
            create_if_missing=context.is_ingest,
            guard=context.may_change,
        )
        return DeviceRegisterPayload(user=registered.user, device=registered.device)

    @strawberry.mutation(
        graphql_type=DeviceLogOutResult | None,
        metadata=FOR_WRITERS,
        description="End the session on a device: its push token no longer reaches the person, "
        "and its next activity is anonymous.",
    )
    async def device_log_out(self, info: Info, device: str) -> DeviceLogOutPayload:
        context = info.context
        identity = device_identity(device, ("device",), context.limits)
        await context.reached(identity)
        await log_out_device(
            context.store,
            identity,
            context.terms,
            quietly=context.is_ingest,
            guard=context.may_act_for,
        )
        return DeviceLogOutPayload(device_id=strawberry.ID(identity.value))

    @strawberry.mutation(
        graphql_type=UserMergeResult | None,
        metadata=FOR_SERVICE,
        description="Make one person of two profiles. The older profile's id survives; on "
        "conflicting values, `into` wins. `dryRun` shows the outcome and changes nothing.",
    )
    async def user_merge(
        self,
        info: Info,
        from_: Annotated[UserBy, strawberry.argument(name="from")],
        into: UserBy,
        dry_run: bool = False,
    ) -> UserMergePayload:
        context = info.context
        merged = await merge(
            context.store,
            from_.to_domain(context.limits, ("from",)),
            into.to_domain(context.limits, ("into",)),
            context.terms,
            dry_run=dry_run,
        )
        return UserMergePayload(user=merged.user, absorbed_id=strawberry.ID(merged.absorbed_id))

    @strawberry.mutation(
        graphql_type=UserDeleteResult | None,
        metadata=FOR_SERVICE,
        description="Erase everything known about the person, for good.",
    )
    async def user_delete(self, info: Info, user: UserBy) -> UserDeletePayload:
        context = info.context
        who = user.to_domain(context.limits)
        deleted_id = await delete(context.store, who, context.terms)
        return UserDeletePayload(deleted_id=strawberry.ID(deleted_id))

    @strawberry.mutation(
        graphql_type=SegmentSaveResult | None,
        metadata=FOR_SERVICE,
        description="Keep criteria under a name; with an id, replace that segment's name, "
        "description and criteria. Who belongs to it by them is worked out in the background if "
        "there are many people; `evaluation` tells how far that is.",
    )
    async def segment_save(
        self,
        info: Info,
        name: str,
        criteria: Criteria,
        id: strawberry.ID | None = None,
        description: str | None = None,
    ) -> SegmentSavePayload:
        context = info.context
        segment = await save_segment(
            context.store,
            context.leader,
            id,
            name,
            description,
            given(criteria),
            context.terms,
        )
        return SegmentSavePayload(segment=segment)

    @strawberry.mutation(
        graphql_type=SegmentDeleteResult | None,
        metadata=FOR_SERVICE,
        description="Delete a segment; refused while others refer to it.",
    )
    async def segment_delete(self, info: Info, id: strawberry.ID) -> SegmentDeletePayload:
        await delete_segment(info.context.store, id)
        return SegmentDeletePayload(deleted_id=id)

    @strawberry.mutation(
        metadata=FOR_SERVICE,
        description="Up to 1000 records, those of one person in order; each succeeds or fails on "
        "its own. `dryRun` says which would fail, and stores nothing.",
    )
    async def records_import(
        self, info: Info, records: list[RecordInput], dry_run: bool = False
    ) -> RecordsImportPayload | None:
        arguments = given(records), dry_run
        return await info.context.once(lambda: writes.records_import(info.context, *arguments))
