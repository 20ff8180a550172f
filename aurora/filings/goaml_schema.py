"""The part of the goAML schema that our drafts use, as an XSD, and the check against it.

Written by us after public descriptions of the UNODC schema 4.0 to 5.0.1. The authority's own schema, its look-up codes
and business rules are larger: a draft that fits here is not yet accepted there.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from xmlschema import XMLSchema

SCHEMA: Final = """<?xml version="1.0" encoding="UTF-8"?>
<!-- A SUBSET of the UNODC goAML report schema (4.0 to 5.0.1), written for Aurora after public descriptions.
     It is not the authority's schema: look-up codes, business rules and optional parts are missing. -->
<xs:schema xmlns:xs="http://www.w3.org/2001/XMLSchema" elementFormDefault="qualified">
  <xs:simpleType name="text255">
    <xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="255"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="text4000">
    <xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="4000"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="code">
    <xs:restriction base="xs:string"><xs:minLength value="1"/><xs:maxLength value="64"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="country">
    <xs:restriction base="xs:string"><xs:pattern value="[A-Z]{2}"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="amount">
    <xs:restriction base="xs:decimal"><xs:minInclusive value="0"/><xs:fractionDigits value="2"/></xs:restriction>
  </xs:simpleType>
  <xs:simpleType name="report_type">
    <xs:restriction base="xs:string">
      <xs:enumeration value="REAR"/><xs:enumeration value="STR"/>
      <xs:enumeration value="FFR"/><xs:enumeration value="PNMR"/>
    </xs:restriction>
  </xs:simpleType>
  <xs:complexType name="reporting_person">
    <xs:sequence>
      <xs:element name="first_name" type="text255"/>
      <xs:element name="last_name" type="text255"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="person">
    <xs:sequence>
      <xs:element name="first_name" type="text255"/>
      <xs:element name="last_name" type="text255"/>
      <xs:element name="birthdate" type="xs:dateTime" minOccurs="0"/>
      <xs:element name="passport_number" type="text255" minOccurs="0"/>
      <xs:element name="passport_country" type="country" minOccurs="0"/>
      <xs:element name="id_number" type="text255" minOccurs="0"/>
      <xs:element name="nationality1" type="country" minOccurs="0"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="entity">
    <xs:sequence>
      <xs:element name="name" type="text255"/>
      <xs:element name="incorporation_country_code" type="country" minOccurs="0"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="t_from">
    <xs:sequence>
      <xs:element name="from_funds_code" type="code"/>
      <xs:choice>
        <xs:element name="from_person" type="person"/>
        <xs:element name="from_entity" type="entity"/>
      </xs:choice>
      <xs:element name="from_country" type="country"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="t_to">
    <xs:sequence>
      <xs:element name="to_funds_code" type="code"/>
      <xs:choice>
        <xs:element name="to_person" type="person"/>
        <xs:element name="to_entity" type="entity"/>
      </xs:choice>
      <xs:element name="to_country" type="country"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="goods_services">
    <xs:sequence>
      <xs:element name="item" maxOccurs="unbounded">
        <xs:complexType>
          <xs:sequence>
            <xs:element name="item_type" type="code"/>
            <xs:element name="description" type="text4000" minOccurs="0"/>
            <xs:element name="estimated_value" type="amount" minOccurs="0"/>
            <xs:element name="currency_code" type="code" minOccurs="0"/>
          </xs:sequence>
        </xs:complexType>
      </xs:element>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="transaction">
    <xs:sequence>
      <xs:element name="transactionnumber" type="text255"/>
      <xs:element name="transaction_description" type="text4000" minOccurs="0"/>
      <xs:element name="date_transaction" type="xs:dateTime"/>
      <xs:element name="transmode_code" type="code"/>
      <xs:element name="amount_local" type="amount"/>
      <xs:choice>
        <xs:element name="t_from_my_client" type="t_from"/>
        <xs:element name="t_from" type="t_from"/>
      </xs:choice>
      <xs:choice>
        <xs:element name="t_to_my_client" type="t_to"/>
        <xs:element name="t_to" type="t_to"/>
      </xs:choice>
      <xs:element name="goods_services" type="goods_services" minOccurs="0"/>
    </xs:sequence>
  </xs:complexType>
  <xs:complexType name="activity">
    <xs:sequence>
      <xs:element name="report_parties">
        <xs:complexType>
          <xs:sequence>
            <xs:element name="report_party" maxOccurs="unbounded">
              <xs:complexType>
                <xs:sequence>
                  <xs:choice>
                    <xs:element name="person" type="person"/>
                    <xs:element name="entity" type="entity"/>
                  </xs:choice>
                  <xs:element name="reason" type="text4000" minOccurs="0"/>
                </xs:sequence>
              </xs:complexType>
            </xs:element>
          </xs:sequence>
        </xs:complexType>
      </xs:element>
      <xs:element name="goods_services" type="goods_services" minOccurs="0"/>
    </xs:sequence>
  </xs:complexType>
  <xs:element name="report">
    <xs:complexType>
      <xs:sequence>
        <xs:element name="rentity_id" type="xs:positiveInteger"/>
        <xs:element name="rentity_branch" type="text255" minOccurs="0"/>
        <xs:element name="submission_code">
          <xs:simpleType>
            <xs:restriction base="xs:string"><xs:enumeration value="E"/><xs:enumeration value="M"/></xs:restriction>
          </xs:simpleType>
        </xs:element>
        <xs:element name="report_code" type="report_type"/>
        <xs:element name="entity_reference" type="text255"/>
        <xs:element name="submission_date" type="xs:dateTime"/>
        <xs:element name="currency_code_local">
          <xs:simpleType>
            <xs:restriction base="xs:string"><xs:enumeration value="AED"/></xs:restriction>
          </xs:simpleType>
        </xs:element>
        <xs:element name="reporting_person" type="reporting_person"/>
        <xs:element name="reason" type="text4000"/>
        <xs:element name="action" type="text4000" minOccurs="0"/>
        <xs:choice>
          <xs:element name="transaction" type="transaction" maxOccurs="unbounded"/>
          <xs:element name="activity" type="activity"/>
        </xs:choice>
        <xs:element name="report_indicators">
          <xs:complexType>
            <xs:sequence>
              <xs:element name="indicator" type="code" maxOccurs="unbounded"/>
            </xs:sequence>
          </xs:complexType>
        </xs:element>
      </xs:sequence>
    </xs:complexType>
  </xs:element>
</xs:schema>
"""


@cache
def _schema() -> XMLSchema:
    import xmlschema

    return xmlschema.XMLSchema(SCHEMA)


def schema_problems(document: bytes) -> list[str]:
    """What keeps a document from fitting the subset: path and reason of each; empty when it fits."""
    return [f"{error.path or '/'}: {error.reason}" for error in _schema().iter_errors(document.decode())]
